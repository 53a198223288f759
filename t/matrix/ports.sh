# Other processors and compilers, for "run": the unit tests, and the corpus
# through the command line tool.  Also Debian's package from a bare chroot.

cross_packages="libc6-dev libcurl4-openssl-dev libjansson-dev libssl-dev"

# Debian's name of the processor: gcc's and qemu's
declare -A triplets=(
    [arm64]=aarch64-linux-gnu      [armhf]=arm-linux-gnueabihf
    [riscv64]=riscv64-linux-gnu    [ppc64el]=powerpc64le-linux-gnu
    [s390x]=s390x-linux-gnu        [i386]=i686-linux-gnu
)
declare -A emulators=(
    [arm64]=aarch64 [armhf]=arm [riscv64]=riscv64 [ppc64el]=ppc64le
    [s390x]=s390x   [i386]=
)

# trixie otherwise; a mirror may lack new point releases for processors that few
# use
declare -A releases=(
    [ppc64el]=sid   [s390x]=sid
    [gcc-11]=bookworm [clang-13]=bookworm [gcc-16]=sid [clang-23]=sid
)


# prepare_port RELEASE ROOT PACKAGES [ARCH]: that release with these packages

prepare_port()
{
    local release=$1 root=$2 packages=$3 arch=${4-}

    [ -z "${FRESH-}" ] || rm -rf --one-file-system "$root"
    bootstrap "$release" "$root" || return 1

    # of two processors, the same versions: the lists of security updates are
    # not always of the same time
    in_chroot "$root" sh -euc "
        [ -z '$arch' ] || sed -i /-security/d /etc/apt/sources.list
        [ -z '$arch' ] || dpkg --add-architecture $arch
        apt-get -q update || echo 'continuing with the lists that there are'
        apt-get -q -y dist-upgrade
        apt-get -q -y --no-install-recommends install make perl $packages
    "
}


# try_port NAME ROOT EMULATOR VARIABLES [TARGET]: builds with these variables of
# make, runs the unit tests and the corpus

try_port()
{
    local name=$1 root=$2 emulator=$3 variables=$4 target=${5-}

    try_tests "$name" "$root" \
        "-j ${JOBS:-2} $variables EMULATOR='$emulator' ported" \
        ${target:+"$variables $target"}
}


# try_tests NAME ROOT ARGUMENTS [ARGUMENTS]: makes the latter, then the former,
# which closes with a count

try_tests()
{
    local name=$1 root=$2 arguments=$3 before=${4-}
    local log=$dir/$name.log count status=0

    in_chroot "$root" --offline bash -euc "
        cd /project
        rm -rf build
        ${before:+make --no-print-directory $before}
        make --no-print-directory $arguments
    " >> "$log" 2>&1 || status=$?

    count=$(grep -xE '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped' "$log" \
            | tail -n 1 || true)

    if [ -z "$count" ]; then
        tail -n 10 "$log"
        count='did not build'
        status=1
    fi

    if grep -n 'warning:' "$log"; then
        status=1
    fi

    sed -n '/^Failed:$/,/^$/p' "$log"
    result "$name" "$count" $status
}


# result NAME COUNT STATUS: writes it down, for "table"

result()
{
    local name=$1 count=$2 status=$3 verdict=passed

    [ "$status" -eq 0 ] || verdict=FAILED
    printf '%s\t' "$name" "$count" "$verdict" "$(commit)" \
        "$(date -u +%Y-%m-%d)" "$(sed -n 's/^with: //p' "$dir/$name.log")" \
        > "$results/$name"

    echo "  $verdict: $count"
    return "$status"
}


# a processor, by a cross compiler; all but i386 under qemu

try_processor()
{
    local arch=$1 root=$dir/cross-$1
    local triplet=${triplets[$1]} qemu=${emulators[$1]}

    cross "$arch" "$arch" || return 1
    try_port "$arch" "$root" "${qemu:+qemu-$qemu}" \
        "CC=$triplet-gcc AR=$triplet-ar"
}


# cross NAME ARCH [PACKAGE...]: the chroot with a cross compiler, and libraries
# of that processor

cross()
{
    local name=$1 arch=$2 triplet=${triplets[$2]} qemu=${emulators[$2]}
    local root=$dir/cross-$2 log=$dir/$1.log packages package
    shift 2

    echo "$name:"
    rm -f "$results/$name"

    packages="gcc-${triplet//_/-} ${qemu:+qemu-user}"

    for package in $cross_packages "$@"; do
        packages+=" $package:$arch"
    done

    if ! prepare_port "${releases[$arch]-trixie}" "$root" "$packages" "$arch" \
        > "$log" 2>&1
    then
        tail -n 5 "$log"
        echo "  no chroot for $arch, see $log"
        return 1
    fi

    copy "cross-$arch"
    : > "$log"
    in_chroot "$root" sh -c "
        echo with: gcc \$($triplet-gcc -dumpfullversion), \
            OpenSSL \$(dpkg-query -W -f '\${Version}' libssl-dev:$arch \
                       | sed 's/-.*//')${qemu:+, \
            \$(qemu-$qemu --version | sed -n 's/.*version \([0-9.]*\).*/qemu \1/p')}
    " >> "$log"
}


# nginx itself and a part of its tests on another processor: nginx of the same
# release, whose configure runs what it compiles

try_nginx()
{
    local arch=$1 name=nginx-$1 root=$dir/cross-$1
    local triplet=${triplets[$1]} qemu=${emulators[$1]}
    local log=$dir/nginx-$1.log
    local tests="convert accept list digest sign errors cache redirect"

    cross "$name" "$arch" libpcre2-dev zlib1g-dev || return 1

    if ! in_chroot "$root" bash -euc "
        apt-get -q -y --no-install-recommends install \
            gcc libc6-dev dpkg-dev $(echo $test_packages)

        [ ! -d /usr/src/nginx ] || exit 0
        rm -rf /tmp/source
        mkdir /tmp/source
        cd /tmp/source
        apt-get -q source --tar-only --download-only nginx
        mkdir nginx
        tar -C nginx --strip-components=1 -xf nginx_*.orig.tar.*
        mv nginx /usr/src/
    " > "$log.source" 2>&1
    then
        tail -n 5 "$log.source"
        echo "  no source of nginx, see $log.source"
        return 1
    fi

    printf '#!/bin/sh\nexec sh /project/t/matrix/emulated-cc %s "$@"\n' \
        "qemu-$qemu $triplet-gcc" > "$root/usr/bin/$arch-cc"
    chmod 755 "$root/usr/bin/$arch-cc"

    version=$(sed -n 's/.*define NGINX_VERSION *"\(.*\)"/\1/p' \
              "$root/usr/src/nginx/src/core/nginx.h")
    sed -i "s/^with: /&nginx $version, /" "$log"

    try_tests "$name" "$root" "CC=$arch-cc AR=$triplet-ar \
        PERL5LIB=/project/.test-nginx NGINX_SRC=/usr/src/nginx T='$(printf 't/%s.t ' $tests)' test-nginx"
}


# the oldest and the newest compilers of the releases

try_compiler()
{
    local cc=$1 release=${releases[$1]-trixie}
    local root=$dir/compilers-$release log=$dir/$1.log

    echo "$cc:"
    rm -f "$results/$cc"

    if ! prepare_port "$release" "$root" "$cc nginx-dev $cross_packages" \
        > "$log" 2>&1
    then
        tail -n 5 "$log"
        echo "  no $cc in $release, see $log"
        return 1
    fi

    copy "compilers-$release"
    : > "$log"
    in_chroot "$root" sh -c "
        echo with: $release, \$($cc --version | sed -n '1 { s/ (.*) / /; s/^Debian //; p }')
    " >> "$log"
    try_port "$cc" "$root" '' "CC=$cc" build
}


# musl, with musl-gcc of trixie, and libraries and nginx built in the chroot; the
# module is built by the Dockerfile for Alpine

try_musl()
{
    local root=$dir/musl log=$dir/musl.log opt=/opt/musl
    local tests="convert accept list digest sign errors cache redirect thread"
    local module=/installed/usr/lib/nginx/modules/ngx_http_schema1_module.so

    echo "musl:"
    rm -f "$results/musl"

    if ! {
        prepare_port trixie "$root" "musl-tools linux-libc-dev dpkg-dev autoconf \
            automake libtool busybox-static $(echo $test_packages)" \
            && copy musl \
            && in_chroot "$root" bash /project/t/matrix/musl libraries
    } > "$log" 2>&1
    then
        tail -n 5 "$log"
        echo "  no chroot with musl, see $log"
        return 1
    fi

    : > "$log"
    in_chroot "$root" sh -c "
        echo with: gcc \$(gcc -dumpfullversion), \
            musl \$(dpkg-query -W -f '\${Version}' musl | sed 's/-.*//'), \
            nginx \$($opt/sbin/nginx -v 2>&1 | sed 's/.*nginx\///')
    " >> "$log"

    in_chroot "$root" --offline bash /project/t/matrix/musl image \
        >> "$log" 2>&1 || echo 'warning: the module was not built' >> "$log"

    try_tests musl "$root" "-j ${JOBS:-2} CC=musl-gcc PERL5LIB=/project/.test-nginx \
        EXTRA_CFLAGS='-I$opt/include -L$opt/lib -Wl,-rpath,$opt/lib' \
        EXTRA_ENV='TEST_NGINX_BINARY=$opt/sbin/nginx \
                   TEST_NGINX_LOAD_MODULES=$module' NGINX= NGINX_FOR= \
        NGINX_TESTS='$(printf 't/%s.t ' $tests)' \
        SUITE='\$(UNITS) \$(CORPUS_TESTS) \$(NGINX_TESTS)' suite"
}


# Lets the kernel start programs of arm64 by qemu, until this script ends.

emulate_arm64()
{
    local misc=/proc/sys/fs/binfmt_misc qemu
    local zeros='\x00\x00\x00\x00\x00\x00\x00\x00'
    local ones='\xff\xff\xff\xff\xff\xff\xff\xff'

    [ -e $misc/register ] || mount -t binfmt_misc binfmt_misc $misc || return 1

    if grep -qs 'interpreter.*qemu-aarch64' $misc/*; then
        return
    fi

    if ! qemu=$(command -v qemu-aarch64-static); then
        echo 'qemu-aarch64-static is not installed'
        return 1
    fi

    # the first 20 bytes of an ELF file and which bits of them count
    printf '%s' ":schema1-arm64:M::\x7fELF\x02\x01\x01\x00$zeros\x02\x00\xb7\x00:" \
        "${ones%????}\x00$ones\xfe\xff\xff\xff:$qemu:F" > $misc/register \
        || return 1

    trap emulate_no_more EXIT
}


emulate_no_more()
{
    local entry=/proc/sys/fs/binfmt_misc/schema1-arm64

    [ ! -e $entry ] || echo -1 > $entry
}


# Debian's package of a release, as a user builds it: in a chroot with nothing
# but git and make, installed there, one conversion

try_deb()
{
    local suite=$1 name=deb-$1 root=$dir/bare-$1 log=$dir/deb-$1.log
    local status=0 count='did not build'

    echo "$suite, make deb in a bare chroot:"
    rm -f "$results/$name"
    rm -rf --one-file-system "$root"

    case $suite in
    *-arm64) emulate_arm64 || return 1 ;;
    esac

    if ! {
        bootstrap "$suite" "$root" && in_chroot "$root" sh -euc '
            apt-get -q update
            apt-get -q -y dist-upgrade
            apt-get -q -y --no-install-recommends install git make
            apt-get clean
        '
    } > "$log" 2>&1
    then
        tail -n 5 "$log"
        echo "  no chroot, see $log"
        return 1
    fi

    copy "bare-$suite"
    rm -rf "$root/project/.test-nginx" "$root/project/build"

    in_chroot "$root" bash -euc '
        start=$(date +%s)
        cd /project
        { make unit 2>&1 || true; } \
            | grep "not installed: .* run \"make deps\" first"
        echo "ok: a missing compiler is named"
        make deb
        [ ! -e /etc/systemd/system/multi-user.target.wants/nginx.service ]
        echo "ok: nginx was not enabled"
        echo "with: $(($(date +%s) - start)) s for make deb"
        apt-get -q -y --no-install-recommends install \
            ./build/libnginx-mod-http-schema1_*.deb curl openssl perl
        nginx -t
        schema1 --version
        sh debian/tests/converts
    ' > "$log" 2>&1 || status=$?

    [ $status -ne 0 ] || count="$(grep -c '^ok: ' "$log") checks passed"
    [ $status -eq 0 ] || tail -n 10 "$log"
    result "$name" "$count" $status || return 1
    rm -rf --one-file-system "$root"
}
