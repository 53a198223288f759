#!/bin/sh
#
# Runs what is in /docker-entrypoint.d/ in the order of the names, then the
# command, as the official nginx image does: *.envsh files are sourced and may
# export variables, executable *.sh files are run, others are ignored.

set -e

say()
{
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS-}" ] || echo "$0: $*"
}

case ${1-} in
nginx|nginx-debug)
    for file in /docker-entrypoint.d/*; do
        if [ ! -x "$file" ]; then
            say "ignoring $file"
            continue
        fi

        case $file in
        *.envsh)
            say "sourcing $file"
            . "$file"
            ;;
        *.sh)
            say "running $file"
            "$file"
            ;;
        *)
            say "ignoring $file"
            ;;
        esac
    done
    ;;
esac

exec "$@"
