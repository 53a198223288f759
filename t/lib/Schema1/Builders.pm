package Schema1::Builders;

# Copyright (C) the ngx_http_schema1_module authors

# Images as different builders make them, pushed to a registry: some by the
# builders themselves, some by hand, with what is peculiar to a builder that is
# not to be had here (layers, history, times).
#
#     my $builders = Schema1::Builders->new($dir, $port);
#     my @images = $builders->all;
#
# Each is a list: the image, what it prints, and of => the image that an index
# is to give, refused => 1 where Docker does not take the original.

use strict;
use warnings;

use Archive::Tar;
use Archive::Tar::Constant;
use Compress::Zlib ();
use File::Path qw(make_path);
use JSON::PP;

use Schema1::Documents;
use Schema1::Images;
use Schema1::Servers;

my $epoch = '1970-01-01T00:00:00Z';
my $zero = '0001-01-01T00:00:00Z';


sub new
{
    my ($class, $dir, $port) = @_;

    make_path($dir);

    return bless { dir => $dir, port => $port,
                   images => Schema1::Images->new("$dir/images", $port),
                 }, $class;
}


sub all
{
    my ($self) = @_;

    return ($self->by_buildah, $self->by_umoci, $self->by_skopeo,
            $self->ko, $self->jib, $self->nix2container, $self->nix,
            $self->kaniko, $self->longer, $self->empty_history,
            $self->attested, $self->indexes);
}


# the builders themselves

sub by_buildah
{
    my ($self) = @_;

    my @made;

    for my $format (qw(docker oci)) {
        $self->{images}->build("buildah-$format", $format);
        $self->{images}->push_image("buildah-$format",
            "b/buildah-$format:1", $format eq 'oci' ? 'oci' : 'v2s2');
        push @made, ["b/buildah-$format:1", 'hello from amd64'];
    }

    return @made;
}


sub by_umoci
{
    my ($self) = @_;

    my $layout = "$self->{dir}/umoci";
    my $files = "$self->{dir}/umoci-files";
    my @image = ('--image', "$layout:1");

    make_path(map { "$files/$_" } qw(bin data etc));
    Schema1::Servers::must('cp', $Schema1::Images::busybox, "$files/bin/");
    Schema1::Servers::put("$files/hello", script());
    Schema1::Servers::put("$files/data/$_", "$_\n") for qw(first second);
    Schema1::Servers::put("$files/etc/style", "umoci\n");

    umoci('init', '--layout', $layout);
    umoci('new', @image);

    for my $path (qw(bin data etc hello)) {
        umoci('insert', @image, "$files/$path", "/$path");
    }

    umoci('insert', @image, '--whiteout', '/data/second');
    umoci('config', @image, '--architecture', 'amd64', '--config.env',
          'PATH=/bin', '--config.env', 'GREETING=tree', '--config.cmd',
          '/bin/busybox', '--config.cmd', 'sh', '--config.cmd', '/hello',
          '--config.label', 'made=by umoci', '--config.workingdir', '/data',
          '--config.exposedports', '80/tcp');

    $self->skopeo("oci:$layout:1", $self->url('b/umoci:1'));

    return ['b/umoci:1', 'umoci'];
}


sub umoci
{
    return Schema1::Servers::must('umoci', @_);
}


# needs what buildah has made
sub by_skopeo
{
    my ($self) = @_;

    my %to = (docker => 'oci', oci => 'v2s2');
    my @made;

    for my $from (sort keys %to) {
        my $image = "b/skopeo-$to{$from}:1";

        $self->skopeo('--format', $to{$from},
                      $self->url("b/buildah-$from:1"), $self->url($image));
        push @made, [$image, 'hello from amd64'];
    }

    return @made;
}


sub url
{
    my ($self, $image) = @_;

    return "docker://127.0.0.1:$self->{port}/$image";
}


sub skopeo
{
    my ($self, @arguments) = @_;

    my $dir = "$self->{dir}/images";

    local $ENV{CONTAINERS_REGISTRIES_CONF} = "$dir/registries.conf";
    local $ENV{REGISTRY_AUTH_FILE} = "$dir/auth.json";
    local $ENV{XDG_RUNTIME_DIR} = "$dir/run";
    local $ENV{TMPDIR} = $dir;

    return Schema1::Servers::must(
        'skopeo', '--policy', "$dir/policy.json", 'copy', '-q',
        '--src-tls-verify=false', '--dest-tls-verify=false', @arguments);
}


# By hand.  ko: a base with a history, two layers of its own, the second's
# entry without a time; not root.
sub ko
{
    my ($self) = @_;

    return $self->by_hand('ko', 'oci',
        layers  => [
            tar(busybox('ko-app')),
            tar(style('ko'),
                map({ folder($_) } qw(var var/run var/run/ko)),
                link_to('var/run/ko/style', '/etc/style')),
            tar(file('hello', script()), folder('data'),
                file('data/first', "of ko\n")),
        ],
        created => $epoch,
        author  => 'github.com/ko-build/ko',
        config  => {
            Entrypoint => ['/ko-app/busybox', 'sh', '/hello'],
            Env        => ['PATH=/ko-app', 'KO_DATA_PATH=/var/run/ko'],
            User       => '65532',
        },
        history => [
            { created    => '2024-05-06T07:08:09.012345678+02:00',
              created_by => 'the base', comment => 'apko' },
            { author => 'ko', created => $zero,
              created_by => 'ko build ko://example.com/app',
              comment    => 'kodata contents, at $KO_DATA_PATH' },
            { author => 'ko', created_by => 'ko build ko://example.com/app',
              comment    => 'go build output, at /ko-app/app' },
        ]);
}


# jib: Docker's types, everything at the beginning of 1970, an entry for each
# layer
sub jib
{
    my ($self) = @_;

    my @history = map {
        { created => $epoch, author => 'Jib',
          created_by => 'jib-maven-plugin:3.4.0', comment => $_ }
    } qw(dependencies resources classes);

    return $self->by_hand('jib', 'docker',
        layers  => [
            tar(busybox('bin')),
            tar(folder('app'), folder('app/resources'),
                file('app/resources/x', "x\n"), folder('data'),
                file('data/first', "of jib\n")),
            tar(file('hello', script()), style('jib')),
        ],
        created => $epoch,
        config  => {
            Cmd          => [],
            Entrypoint   => ['/bin/busybox', 'sh', '/hello'],
            Env          => ['PATH=/bin', 'JAVA_VERSION=17'],
            ExposedPorts => { '8080/tcp' => {} },
            Labels       => { 'org.example.one' => "1\x{e9}\x{4e2d}<&>",
                              two => '' },
            Volumes      => { '/cache' => {} },
            WorkingDir   => '/app',
        },
        history => \@history);
}


# nix2container: layers that are no archives in archives, no history, no time
sub nix2container
{
    my ($self) = @_;

    my $store = 'nix/store/5zyqjsyp6s0ibpn9wdnx7mkbcpcv2xvd-hello';

    return $self->by_hand('nix2container', 'oci',
        plain   => 1,
        layers  => [
            tar(busybox('bin')),
            tar(folder('nix', 0555), folder('nix/store', 0555),
                folder($store, 0555),
                file("$store/hello", script(), 0444),
                style('nix2container'),
                folder('data'), file('data/first', "of nix\n", 0444)),
        ],
        config  => {
            Entrypoint => ['/bin/busybox', 'sh', "/$store/hello"],
            Env        => ['PATH=/bin'],
        });
}


# Nix's dockerTools: an entry for each layer, that has only a comment
sub nix
{
    my ($self) = @_;

    my @history = map {
        { created => '1970-01-01T00:00:01Z',
          comment => "store paths: ['/nix/store/$_']" }
    } qw(one two);

    return $self->by_hand('nix', 'docker',
        layers  => [
            tar(busybox('bin')),
            tar(file('hello', script()), style('nix'),
                folder('data'), file('data/first', "of nix\n")),
        ],
        created => '1970-01-01T00:00:01+00:00',
        config  => { Cmd => ['/bin/busybox', 'sh', '/hello'],
                     Env => ['PATH=/bin'] },
        history => \@history);
}


# kaniko, reproducible: no time, fewer entries than layers; files taken away
sub kaniko
{
    my ($self) = @_;

    return $self->by_hand('kaniko', 'docker',
        layers  => [
            tar(busybox('bin'), folder('data'),
                file('data/first', "first\n"), file('data/gone', "gone\n"),
                folder('old'), file('old/file', "old\n"),
                folder('cache'), file('cache/old', "old\n")),
            tar(style('kaniko'), file('hello', script()),
                file('data/.wh.gone', ''), file('.wh.old', ''),
                folder('cache'), file('cache/.wh..wh..opq', ''),
                file('cache/new', "new\n"),
                [file('data/same', '')->[0], '',
                 { type => HARDLINK, linkname => 'hello' }]),
            tar(folder('data', 01777),
                file('data/second', "second\n", 0600, 1000, 1001)),
        ],
        created => $zero,
        config  => { Cmd    => ['/bin/busybox sh /hello'],
                     Entrypoint => ['/bin/busybox', 'sh', '-c'],
                     Env    => ['PATH=/bin', 'A=b=c', 'EMPTY='],
                     Labels => { made => 'by kaniko' } },
        history => [
            { created => $zero, created_by => 'ENV A=b=c',
              author  => 'kaniko', empty_layer => JSON::PP::true },
            { created => $zero, created_by => 'COPY . /',
              author  => 'kaniko' },
        ]);
}


# more entries than layers, as where an empty layer was dropped
sub longer
{
    my ($self) = @_;

    # Docker itself refuses it: "too many non-empty layers in History section"
    return $self->by_hand('longer', 'oci', refused => 1,
        layers  => [
            tar(busybox('bin')),
            tar(file('hello', script()), style('longer'),
                folder('data'), file('data/first', "of bazel\n")),
        ],
        created => '2024-02-29T23:59:59.999999999Z',
        config  => { Cmd => ['/bin/busybox', 'sh', '/hello'],
                     Env => ['PATH=/bin'] },
        history => [map { { created => $epoch, created_by => "bazel $_" } }
                    1 .. 4]);
}


# layers that are the same one twice, and a history with nothing in it
sub empty_history
{
    my ($self) = @_;

    my $twice = tar(folder('data'), file('data/first', "twice\n"));

    return $self->by_hand('append', 'oci',
        layers  => [
            tar(busybox('bin')), $twice,
            tar(file('hello', script()), style('append')),
            $twice,
        ],
        created => $epoch,
        config  => { Cmd => ['/bin/busybox', 'sh', '/hello'],
                     Env => ['PATH=/bin'] },
        history => []);
}


# an attestation; needs what buildah has made
sub attested
{
    my ($self) = @_;

    $self->{images}->push_attested('b/buildah-oci', '1', 'attested');

    return ['b/buildah-oci:attested', 'hello from amd64'];
}


# variants, an index in an index
sub indexes
{
    my ($self) = @_;

    my $images = $self->{images};
    my $url = "http://127.0.0.1:$self->{port}/v2/b/index";
    my %of;

    for my $platform (qw(linux/amd64 linux/amd64/v2 linux/amd64/v3
                         linux/arm/v6 linux/arm/v7 linux/arm64))
    {
        my $style = "for $platform";

        ($of{$platform}) = $self->put_image('b/index', undef, 'oci',
            platform => $platform,
            layers   => [
                tar(busybox('bin')),
                tar(file('hello', script()), style($style),
                    folder('data'), file('data/first', "$style\n")),
            ],
            created  => $epoch,
            config   => { Cmd => ['/bin/busybox', 'sh', '/hello'],
                          Env => ['PATH=/bin'],
                          Labels => { platform => $platform } });
    }

    my $attestation = { of => $of{'linux/arm64'},
                        platform => 'unknown/unknown' };
    my $nowhere = { of => $of{'linux/arm/v6'}, platform => undef };

    my $variants = list_document(format => 'oci', entries => [
        $attestation, $nowhere,
        map { { of => $of{$_}, platform => $_ } }
            qw(linux/arm/v6 linux/arm/v7 linux/amd64/v3 linux/amd64/v2
               linux/amd64 linux/arm64)]);

    $images->put_manifest($url, 'variants', $variants->{type},
                          $variants->{body});

    my $inner = list_document(format => 'oci', entries => [
        $attestation,
        map { { of => $of{$_}, platform => $_ } }
            qw(linux/arm64 linux/amd64)]);

    $images->put_manifest($url, $inner->{digest}, $inner->{type},
                          $inner->{body});

    my $nested = list_document(format => 'oci', entries => [
        $attestation, { of => $inner, platform => undef }]);

    $images->put_manifest($url, 'nested', $nested->{type}, $nested->{body});

    return (['b/index:variants', 'for linux/amd64',
             of => "b/index\@$of{'linux/amd64'}{digest}"],
            ['b/index:nested', 'for linux/amd64',
             of => "b/index\@$of{'linux/amd64'}{digest}"]);
}


sub by_hand
{
    my ($self, $style, $format, %opt) = @_;

    $self->put_image("b/$style", '1', $format, %opt);

    return ["b/$style:1", $style, refused => $opt{refused}];
}


# pushes it; without a tag under its digest.  Returns its document
sub put_image
{
    my ($self, $name, $tag, $format, %opt) = @_;

    my $url = "http://127.0.0.1:$self->{port}/v2/$name";
    my ($os, $arch, $variant) = split m{/}, $opt{platform} || 'linux/amd64';
    my $type = type_of($format, 'layer');

    $type =~ s/[.+]gzip$// if $opt{plain};

    my $config = json({
        architecture => $arch, os => $os,
        $variant ? (variant => $variant) : (),
        rootfs => { type => 'layers',
                    diff_ids => [map { digest($_) } @{$opt{layers}}] },
        map { exists $opt{$_} ? ($_ => $opt{$_}) : () }
            qw(created author config history),
    });

    my @layers = map { $opt{plain} ? $_ : Compress::Zlib::memGzip($_) }
                 @{$opt{layers}};
    my %done;

    $done{$_}++ || $self->{images}->put_blob($url, $_) for $config, @layers;

    my $body = json({
        schemaVersion => 2,
        mediaType     => type_of($format, 'manifest'),
        config        => { mediaType => type_of($format, 'config'),
                           digest => digest($config),
                           size => length $config },
        layers        => [map { { mediaType => $type, digest => digest($_),
                                  size => length $_ } } @layers],
    });

    $self->{images}->put_manifest($url, $tag // digest($body),
                                  type_of($format, 'manifest'), $body);

    return { type => type_of($format, 'manifest'), body => $body,
             digest => digest($body) };
}


# what each image runs
sub script
{
    return <<'END';
export PATH=/bin:/ko-app
echo "hello, $GREETING$(busybox cat /etc/style)"
busybox pwd
busybox id -u
busybox env | busybox sort
for file in /data/* ; do
    echo "$file"
done
END
}


# entries: [path, bytes, options of Archive::Tar]

sub tar
{
    my (@entries) = @_;

    my $tar = Archive::Tar->new;

    $tar->add_data(@$_) or die "$_->[0]: " . $tar->error . "\n"
        for @entries;

    open my $out, '>', \my $bytes or die "$!\n";
    $tar->write($out);
    close $out;

    return $bytes;
}


sub entry
{
    my ($path, $bytes, %opt) = @_;

    return [$path, $bytes, { mtime => 1, uid => 0, gid => 0, uname => '',
                             gname => '', mode => 0644, %opt }];
}


sub file
{
    my ($path, $bytes, $mode, $uid, $gid) = @_;

    return entry($path, $bytes, type => FILE, mode => $mode || 0644,
                 uid => $uid || 0, gid => $gid || 0);
}


sub folder
{
    my ($path, $mode) = @_;

    return entry($path, '', type => DIR, mode => $mode || 0755);
}


# with its folder: Docker and buildah make one that is left out by other modes
sub style
{
    my ($style) = @_;

    return (folder('etc'), file('etc/style', "$style\n"));
}


sub link_to
{
    my ($path, $target) = @_;

    return entry($path, '', type => SYMLINK, linkname => $target,
                 mode => 0777);
}


sub busybox
{
    my ($folder) = @_;

    return (folder($folder),
            file("$folder/busybox",
                 Schema1::Servers::slurp($Schema1::Images::busybox), 0755));
}


1;
