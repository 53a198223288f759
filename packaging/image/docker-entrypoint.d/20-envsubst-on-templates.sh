#!/bin/sh
#
# Writes /etc/nginx/conf.d/NAME from each /etc/nginx/templates/NAME.template,
# with environment variables replaced.  Other "$names" are nginx's and are kept.
# The variables that change this have the names of the official nginx image.

set -eu

from=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
to=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
export NGINX_ENVSUBST_FILTER="${NGINX_ENVSUBST_FILTER-}"

[ -d "$from" ] || exit 0

names=$(awk 'BEGIN {
                 for (name in ENVIRON) {
                     if (name ~ /^[A-Za-z_][A-Za-z0-9_]*$/ \
                         && name ~ ENVIRON["NGINX_ENVSUBST_FILTER"])
                     {
                         printf "${%s} ", name
                     }
                 }
             }')

find "$from" -follow -type f -name "*$suffix" | while IFS= read -r template; do
    output=$to/${template#"$from"/}
    output=${output%"$suffix"}

    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS-}" ] \
        || echo "$0: writing $output from $template"

    mkdir -p "$(dirname "$output")"
    envsubst "$names" < "$template" > "$output"
done
