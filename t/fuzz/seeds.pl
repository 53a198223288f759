#!/usr/bin/perl
#
# Makes the seeds that are not worth keeping: from the golden cases, and keys.
#
#   seeds.pl DIR     fills DIR/TARGET, unless it is newer than what it is from

use strict;
use warnings;

use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64url);

my $max = 12000;
my $separator = "\x1e";

my $out = shift or die "seeds.pl: where to?\n";
my $golden = dirname($0) . '/../golden';

exit 0 if -e "$out/done" && -M "$out/done" < -M $0;

remove_tree($out);


sub slurp {
    my $path = shift;

    open my $fh, '<:raw', $path or die "seeds.pl: $path: $!\n";
    local $/;

    return scalar <$fh>;
}


sub seed {
    my ($target, $name, $text) = @_;

    return if length $text > $max;

    make_path("$out/$target");

    open my $fh, '>:raw', "$out/$target/$name" or die "seeds.pl: $name: $!\n";
    print $fh $text;
    close $fh or die "seeds.pl: $name: $!\n";
}


sub run {
    my @command = @_;

    open my $fh, '-|', @command or die "seeds.pl: $command[0]: $!\n";
    binmode $fh;
    local $/;

    return scalar(<$fh>) // '';
}


# what names the config's digest and size in a manifest, in any spelling

sub named {
    my ($text, $n) = @_;

    return $text
        if $text !~ s/("config"\s*:\s*\{[^}]*"digest"\s*:\s*")[^"]*"/$1\@D$n"/;

    $text =~ s/("config"\s*:\s*\{[^}]*"size"\s*:\s*)\d+/$1\@S$n/;

    return $text;
}


my $turn = 0;

for my $dir (sort glob "$golden/synthetic/* $golden/real/*") {
    my $name = basename($dir);
    my ($manifest, $config) = map { slurp("$dir/$_.json") }
                              qw(manifest config);

    seed('json', "$name-config", $config);
    seed('manifest', $name, $manifest);

    # schema 1 for all, schema 2 for some

    seed('pull', $name, "0000" . "0\n" . named($manifest, 1)
                        . $separator . $config);

    if (++$turn % 4 == 0) {
        seed('pull', "$name-2", "4210" . "0\n" . named($manifest, 1)
                                . $separator . $config);
        seed('pull', "$name-3", "3020" . "0\n" . named($manifest, 1)
                                . $separator . $config);
    }

    if (++$turn % 8 == 0) {
        seed('pull', "$name-list", "0000" . "0\n"
             . '{"schemaVersion":2,"manifests":[{"mediaType":'
             . '"application/vnd.oci.image.manifest.v1+json","digest":"@D1",'
             . '"size":@S1,"platform":{"os":"linux","architecture":"amd64"}}]}'
             . $separator . named($manifest, 2) . $separator . $config);
    }
}

for my $dir (sort glob "$golden/lists/*") {
    my $text = slurp("$dir/index.json");

    seed('manifest', 'list-' . basename($dir), $text);

    $text =~ s/sha256:[0-9a-f]{64}/\@D1/g;
    $text =~ s/("size"\s*:\s*)\d+/$1\@S1/g;

    my $image = slurp("$golden/real/umoci/manifest.json");
    my $config = slurp("$golden/real/umoci/config.json");

    seed('pull', 'list-' . basename($dir), "0000" . "0\n" . $text . $separator
         . named($image, 2) . $separator . $config);
}


# types of configs and layers, manifests without a config

my @layer = map { "application/vnd.$_" } qw(docker.image.rootfs.diff.tar
                                            oci.image.layer.v1.tar);
my $config = '{"rootfs":{"diff_ids":["sha256:' . 'a' x 64 . '"]}}';

sub descriptor {
    my ($type, $digest, $size) = @_;

    return qq({"mediaType":"$type","digest":"$digest","size":$size});
}

sub image {
    my ($config_type, $layer_type, $more) = @_;

    return '{"schemaVersion":2,' . ($more // '')
           . (defined $config_type
              ? '"config":' . descriptor($config_type, '@D1', '@S1') . ',' : '')
           . '"layers":[' . descriptor($layer_type, 'sha256:' . 'a' x 64, 1)
           . ']}';
}

{
    my @images = (
        (map { image($_, $layer[0] . '.gzip') } 'text/html',
         'text/html; charset=utf-8', 'application/x-gzip',
         'application/x-www-form-urlencoded', 'application/vnd.x', undef),
        (map { image('', $_) } 'text/html', 'application/x-gzip',
         "$layer[0]+gzip", "$layer[0].gz", "$layer[1].gzip", "$layer[1]+gz",
         "$layer[1]+zstd", 'application/vnd.oci.image.layer.squashfs',
         'application/vnd.erofs.layer.v1',
         'application/vnd.oci.image.layer.nydus.blob.v1'),
        (map { image($_, $layer[1], '"artifactType":"application/vnd.x",') }
         '', 'application/vnd.oci.empty.v1+json'),
    );
    my $n = 0;

    for my $image (@images) {
        $n++;
        seed('manifest', "types-$n", $image);
        seed('pull', "types-$n", "00000\n$image$separator$config");
        seed('pull', "types-$n-2", "42000\n$image$separator$config");
    }
}


# lists: of OCI images for Docker, without platforms, zstd, variants

sub entry {
    my ($type, $platform, $more) = @_;

    my @names = qw(os architecture variant);
    my @members = map { '"' . shift(@names) . qq(":"$_") } split m{/},
                  $platform // '';

    return '{' . ($type ? qq("mediaType":"$type",) : '')
           . '"digest":"@D1","size":@S1' . ($more // '')
           . ($platform ? ',"platform":{' . join(',', @members) . '}' : '')
           . '}';
}

{
    my $docker = 'application/vnd.docker.distribution.manifest.v2+json';
    my $oci = 'application/vnd.oci.image.manifest.v1+json';
    my $zstd = ',"annotations":{'
               . '"io.github.containers.compression.zstd":"true"}';
    my @unknown = entry($oci, 'unknown/unknown');
    my @lists = (
        [entry($oci, 'linux/amd64'), entry($oci, 'linux/arm64')],
        [@unknown, entry($docker, 'linux/amd64'), @unknown],
        [entry($oci, 'linux/amd64'), entry($docker, 'linux/arm64')],
        [entry($oci), entry($docker)],
        [entry('', 'linux/amd64'), entry('application/vnd.x', 'linux/amd64')],
        [entry($oci, 'linux/amd64', $zstd), entry($oci, 'linux/amd64')],
        [map { entry($oci, "linux/amd64$_") } '/v3', '', '/v1'],
        [map { entry($oci, "linux/arm64$_") } '/v9', '/v8', ''],
        [map { entry($oci, "linux/cpu$_") } 1 .. 40],
    );
    my $n = 0;

    for my $entries (@lists) {
        my $list = '{"schemaVersion":2,"mediaType":"application/vnd.docker.'
                   . 'distribution.manifest.list.v2+json","manifests":['
                   . join(',', @$entries) . ']}';
        my $image = image('', $layer[1]) =~ s/\@([DS])1/\@${1}2/gr;

        $n++;
        seed('manifest', "lists-$n", $list);

        # for clients that name the list and those that do not, with their own
        # platform and without it
        seed('pull', "lists-$n-$_",
             join $separator, "$_\n$list", $image, $config)
            for qw(00000 30000 30004 50000 00003 30007 60000);
    }
}


# escapes make a payload large that is signed in pieces then

{
    my $digest = 'sha256:' . 'a' x 64;

    for my $n (7000, 7001, 7002) {
        seed('pull', "large-$n", '000000' . "\n"
             . '{"schemaVersion":2,"config":{"digest":"@D1","size":@S1},'
             . '"layers":[{"digest":"' . $digest . '"}]}' . $separator
             . '{"rootfs":{"diff_ids":["' . $digest . '"]},"a":"'
             . '<' x $n . '"}');
    }
}


# signed manifests, as far as the payload goes

for my $tail ("\n}", ' }', '}') {
    my $payload = "{\n   \"schemaVersion\": 1,\n   \"fsLayers\": []$tail";
    my $length = length($payload) - length $tail;
    my $protected = encode_base64url(sprintf '{"formatLength":%d,'
        . '"formatTail":"%s","time":"2016-01-02T03:04:05Z"}', $length,
        encode_base64url($tail));
    my $signed = substr($payload, 0, $length) . ",\n   \"signatures\": [{"
                 . "\"signature\":\"\",\"protected\":\"$protected\"}]\n}";

    my $name = 'tail-' . length $tail;

    seed('jws', $name, $signed);
    seed('jws', "$name-payload", $payload);
    seed('json', "signed-$name", $signed);
    seed('manifest', "signed-$name", $signed);

    seed('pull', "signed-$name", "0000" . "0\n"
         . '{"schemaVersion":2,"manifests":[{"mediaType":"",'
         . '"digest":"@D1","size":@S1,"platform":{"os":"linux",'
         . '"architecture":"amd64"}}]}' . $separator . $signed);
}


# keys: each kind in each form

sub number {
    my ($text, $name) = @_;

    return '' if $text !~ /^\Q$name\E:[^\n]*\n((?:\s+[0-9a-f:]+\n)+)/m;

    my $hex = $1;

    $hex =~ s/[^0-9a-f]//g;

    return pack 'H*', $hex;
}


sub plain {
    my $bytes = shift;

    $bytes =~ s/^\0+//;

    return encode_base64url($bytes);
}


my $dir = tempdir(CLEANUP => 1);
my $n = 0;

for my $kind (['RSA', 'rsa_keygen_bits:2048'], ['RSA', 'rsa_keygen_bits:1024'],
              ['EC', 'ec_paramgen_curve:P-256', 'P-256', 32],
              ['EC', 'ec_paramgen_curve:P-384', 'P-384', 48],
              ['EC', 'ec_paramgen_curve:P-521', 'P-521', 66],
              ['EC', 'ec_paramgen_curve:secp256k1', 'P-256K', 32],
              ['ED25519'],
              ['RSA', 'rsa_keygen_bits:2048 -pkeyopt '
                      . 'rsa_keygen_pubexp:4294967297'])
{
    my ($type, $option, $curve, $size) = @$kind;
    my $file = "$dir/key-" . ++$n . '.pem';
    my $name = "$n-" . lc $type;

    system("openssl genpkey -algorithm $type"
           . ($option ? " -pkeyopt $option" : '')
           . " -out $file 2>/dev/null") == 0
        or next;

    my $pem = slurp($file);
    my @old = (qw(openssl pkey), $type eq 'ED25519' ? () : '-traditional',
               '-in');
    my $certificate = run(qw(openssl req -x509 -subj /CN=t -days 9999 -key),
                          $file);

    seed('key', $name, $pem);
    seed('key', "$name-traditional",
         run(@old, $file));
    seed('key', "$name-public", run(qw(openssl pkey -pubout -in), $file));
    seed('key', "$name-chain", $pem . $separator . $certificate);
    seed('key', "$name-chain2", $pem . $separator . $certificate x 2);
    seed('key', "$name-certificate", $certificate);
    seed('key', "$name-encrypted",
         run(qw(openssl pkcs8 -topk8 -iter 2 -passout pass:secret -in),
             $file));
    seed('key', "$name-other-password",
         run(qw(openssl pkcs8 -topk8 -iter 2 -passout pass:other -in),
             $file));
    seed('key', "$name-old-encrypted",
         run(@old, $file, qw(-aes128 -passout pass:secret)));

    (my $headed = run(@old, $file))
        =~ s/-----\n/-----\nkeyID: AAAA:BBBB\n\n/;

    seed('key', "$name-headed", $headed);

    my $text = run(qw(openssl pkey -noout -text -in), $file);

    if ($type eq 'EC') {
        my $point = number($text, 'pub');

        next if length $point != 1 + 2 * $size;

        my $d = number($text, 'priv');

        $d =~ s/^\0+//;
        $d = "\0" x ($size - length $d) . $d;

        seed('key', "$name-jwk", sprintf
             '{"kty":"EC","crv":"%s","x":"%s","y":"%s","d":"%s"}', $curve,
             encode_base64url(substr $point, 1, $size),
             encode_base64url(substr $point, 1 + $size),
             encode_base64url($d));
    }

    if ($type eq 'RSA') {
        seed('key', "$name-jwk", sprintf
             '{"kty":"RSA","n":"%s","e":"AQAB","d":"%s","p":"%s","q":"%s",'
             . '"dp":"%s","dq":"%s","qi":"%s"}',
             map { plain(number($text, $_)) }
             qw(modulus privateExponent prime1 prime2 exponent1 exponent2
                coefficient));
    }
}

make_path($out);
open my $fh, '>', "$out/done" or die "seeds.pl: $out/done: $!\n";
close $fh;
