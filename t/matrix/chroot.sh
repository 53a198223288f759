# Chroots of Debian releases, for "run" and packaging/test-deb: from the mirror
# that the system uses itself.

for command in debootstrap unshare ip; do
    if ! command -v $command > /dev/null; then
        echo "$command is not installed" >&2
        exit 1
    fi
done

if [ "$(id -u)" != 0 ]; then
    echo "making a chroot takes root" >&2
    exit 1
fi


# mirror 0|1: the first of the system's, for packages or for security updates

mirror()
{
    {
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
            /etc/apt/sources.list.d/*.sources 2> /dev/null || true
    } | perl -e '
        my $security = $ARGV[0];
        local $/;

        for (split /\n\s*\n|\n(?=deb)/, <STDIN>) {
            my ($uri, $suite);

            if (/^deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)/m) {
                ($uri, $suite) = ($1, $2);

            } else {
                ($uri) = /^URIs:\s*(\S+)/mi or next;
                ($suite) = /^Suites:\s*(\S+)/mi or next;
            }

            next if $uri !~ m{/debian(-security)?/?$};
            next if ($suite =~ /-security|\/updates/ ? 1 : 0) != $security;
            print $uri;
            last;
        }
    ' "${1-0}"
}


# in_chroot ROOT [--offline] COMMAND...: what it starts ends with it

in_chroot()
{
    local root=$1 net=
    shift

    if [ "$1" = --offline ]; then
        net=--net
        shift
    fi

    # mounted in a namespace of their own: nothing stays
    unshare --mount --pid $net --fork --kill-child bash -euc '
        root=$1
        shift

        # a root that is a mount, as buildah expects
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/dev/shm"

        # the tests start containers; a package has no business there
        if [ "$1" = --net ]; then
            ip link set lo up
            mount --rbind /sys "$root/sys"
        fi

        shift

        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
             DEBIAN_FRONTEND=noninteractive JOBS="'"${JOBS:-2}"'" \
             chroot "$root" "$@"
    ' in-chroot "$root" "$net" "$@" < /dev/null
}


# bootstrap SUITE[-ARCH] ROOT: a minimal system that starts no service, unless it
# is there; a copy of $bases/SUITE[-ARCH] if $bases is set

bootstrap()
{
    local suite=${1%%-*} root=$2 arch= made=$2

    case $1 in *-*) arch=--arch=${1#*-} ;; esac

    [ -z "${bases-}" ] || made=$bases/$1

    if [ ! -f "$root/.bootstrapped" ]; then
        rm -rf --one-file-system "$root"

        if [ ! -f "$made/.bootstrapped" ]; then
            rm -rf --one-file-system "$made"
            mkdir -p "$made"
            debootstrap --variant=minbase $arch "$suite" "$made" "$(mirror 0)" \
                || return 1
            touch "$made/.bootstrapped"
        fi

        [ "$made" = "$root" ] || cp -a "$made" "$root" || return 1
    fi

    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/matrix"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"

    # how the system reaches its mirror
    apt-config dump \
        | grep -E '^Acquire::(https?::|Check-|Retries)' \
        > "$root/etc/apt/apt.conf.d/90matrix" || true

    {
        echo "deb $(mirror 0) $suite main"
        echo "deb-src $(mirror 0) $suite main"

        # for another processor, the lists are not always of the same time
        if [ "$suite" != sid ] && [ -z "$arch" ] && [ -n "$(mirror 1)" ]; then
            echo "deb $(mirror 1) $suite-security main"
            echo "deb-src $(mirror 1) $suite-security main"
        fi
    } > "$root/etc/apt/sources.list"
}


if [ -z "$(mirror 0)" ]; then
    echo "no Debian mirror in /etc/apt" >&2
    exit 1
fi
