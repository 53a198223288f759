#!/bin/sh
#
# A quick differential run; DIFFTEST_N and DIFFTEST_SEED make it another one.

dir=$(dirname "$0")
n=${DIFFTEST_N:-20000}
seed=${DIFFTEST_SEED:-1}

# told apart from a failure by its exit status
reason=$("$dir/run" -help 2>&1)
if [ $? -eq 77 ]; then
    echo "1..0 # SKIP $reason"
    exit 0
fi

# times are read another way before 1.17 and from 1.20 on, \b and \f written
# another way from 1.22 on
version=$(go version | sed 's/.* go1\.\([0-9]*\).*/\1/')
if [ "$version" -lt 17 ] || [ "$version" -gt 19 ]; then
    echo "1..0 # SKIP Go 1.$version is not as Go 1.17 to 1.19, which is followed"
    exit 0
fi

number=0

check()
{
    title=$1
    shift
    number=$((number + 1))
    if output=$("$dir/run" "$@" 2>&1); then
        echo "ok $number - $title"
    else
        echo "not ok $number - $title"
    fi
    printf '%s\n' "$output" | sed 's/^/# /'
}

golden=$dir/../golden

echo 1..3
check "the golden cases are the builder's" -corpus "$golden"
check "same as the builder: $n images, seed $seed" "$n" "$seed"
check "signed bodies as libtrust's" -signed 40 -seed "$seed"
