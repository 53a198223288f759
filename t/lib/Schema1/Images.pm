package Schema1::Images;

# Copyright (C) the ngx_http_schema1_module authors

# Images made on the spot by buildah, from Debian's static busybox, and pushed to
# a registry.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);

use Schema1::Documents;
use Schema1::Servers;

our $busybox;

for (qw(/bin/busybox /usr/bin/busybox)) {
    $busybox ||= $_ if -x $_;
}


sub new
{
    my ($class, $dir, $port) = @_;

    make_path("$dir/context");

    my $self = bless { dir => $dir, port => $port }, $class;

    $self->context;

    return $self;
}


sub context
{
    my ($self) = @_;

    my $context = "$self->{dir}/context";

    die "busybox-static is not installed\n" unless $busybox;

    copy($busybox, "$context/busybox") or die "$busybox: $!\n";
    chmod 0755, "$context/busybox";
    Schema1::Servers::put("$context/hello.sh", <<'END');
echo "hello from $GREETING on $(busybox cat /etc/platform)"
busybox cat /data/*
END
    chmod 0755, "$context/hello.sh";

    for my $arch (qw(amd64 arm64 arm)) {
        Schema1::Servers::put("$context/platform.$arch", "linux/$arch\n");
    }

    Schema1::Servers::put("$context/$_", "the $_ file\n") for qw(first second);

    # several layers, and entries of the history without one
    for my $arch (qw(amd64 arm64 arm)) {
        Schema1::Servers::put("$context/Dockerfile.$arch", <<END);
FROM scratch
LABEL maintainer="nobody"
COPY busybox /bin/busybox
ENV PATH=/bin GREETING=$arch
COPY platform.$arch /etc/platform
COPY first /data/first
WORKDIR /data
COPY second /data/second
COPY hello.sh /hello
EXPOSE 80
CMD ["/bin/busybox", "sh", "/hello"]
END
    }
}


sub buildah
{
    my ($self, @arguments) = @_;

    local $ENV{BUILDAH_ISOLATION} = 'chroot';
    local $ENV{TMPDIR} = $self->{dir};
    local $ENV{XDG_RUNTIME_DIR} = "$self->{dir}/run";

    # no configuration of the machine's: it may name mirrors, or refuse
    local $ENV{CONTAINERS_REGISTRIES_CONF} = "$self->{dir}/registries.conf";
    local $ENV{REGISTRY_AUTH_FILE} = "$self->{dir}/auth.json";

    if (!-e "$self->{dir}/policy.json") {
        Schema1::Servers::put("$self->{dir}/registries.conf", "\n");
        Schema1::Servers::put("$self->{dir}/auth.json", "{}\n");
        Schema1::Servers::put("$self->{dir}/policy.json",
            '{"default":[{"type":"insecureAcceptAnything"}]}' . "\n");
    }

    return Schema1::Servers::must(
        'buildah', '--root', "$self->{dir}/storage",
        '--runroot', "$self->{dir}/run", '--storage-driver', 'vfs',
        @arguments);
}


sub policy
{
    my ($self) = @_;

    return ('--signature-policy', "$self->{dir}/policy.json");
}


# $format: docker or oci
sub build
{
    my ($self, $name, $format, $arch, %opt) = @_;

    $arch ||= 'amd64';

    # --layers keeps them apart
    $self->buildah('bud', $self->policy, '--format', $format, '--layers',
                   '--platform', "linux/$arch", '--network', 'none',
                   '-f', "$self->{dir}/context/Dockerfile.$arch",
                   '-t', $name, '-q', @{$opt{options} || []},
                   "$self->{dir}/context");
}


sub push_image
{
    my ($self, $name, $to, $format, @options) = @_;

    $self->buildah('push', $self->policy, '--tls-verify=false', '-q',
                   '--format', $format, @options, $name,
                   "docker://127.0.0.1:$self->{port}/$to");
}


# the format of a list is that of its images
sub push_list
{
    my ($self, $to, $format, @archs) = @_;

    my $list = "list-$format";

    $self->buildah('manifest', 'create', $list);

    for my $arch (@archs) {
        $self->build("$list-$arch", $format, $arch);
        $self->buildah('manifest', 'add', '--arch', $arch, '--os', 'linux',
                       $list, "containers-storage:localhost/$list-$arch");
    }

    $self->buildah('manifest', 'push', $self->policy, '--tls-verify=false',
                   '-q', '--all', '--format',
                   $format eq 'oci' ? 'oci' : 'v2s2', $list,
                   "docker://127.0.0.1:$self->{port}/$to");
}


# An OCI index as BuildKit writes it: an attestation beside each image.
# $from: the tag of an OCI image in the same repository
sub push_attested
{
    my ($self, $name, $from, $tag) = @_;

    my $url = "http://127.0.0.1:$self->{port}/v2/$name";
    my ($status, $headers, $image) = Schema1::Servers::get(
        "$url/manifests/$from", Accept => type_of('oci', 'manifest'));

    $status == 200 or die "$url/manifests/$from: $status\n";

    my $layer = json({ predicateType => 'https://slsa.dev/provenance/v0.2',
                       subject => [{ digest => digest($image) }] });
    my $config = json({ architecture => 'unknown', os => 'unknown',
                        rootfs => { type => 'layers',
                                    diff_ids => [digest($layer)] } });

    $self->put_blob($url, $_) for $layer, $config;

    my $attestation = json({
        schemaVersion => 2,
        mediaType     => type_of('oci', 'manifest'),
        config        => { mediaType => type_of('oci', 'config'),
                           digest    => digest($config),
                           size      => length $config },
        layers        => [{ mediaType => 'application/vnd.in-toto+json',
                            digest    => digest($layer),
                            size      => length $layer }],
    });

    my $index = json({
        schemaVersion => 2,
        mediaType     => type_of('oci', 'list'),
        manifests     => [
            { mediaType => type_of('oci', 'manifest'),
              digest    => digest($attestation),
              size      => length $attestation,
              platform  => { os => 'unknown', architecture => 'unknown' },
              annotations => {
                  'vnd.docker.reference.type'   => 'attestation-manifest',
                  'vnd.docker.reference.digest' => digest($image) } },
            { mediaType => type_of('oci', 'manifest'),
              digest    => digest($image),
              size      => length $image,
              platform  => { os => 'linux', architecture => 'amd64' } },
        ],
    });

    $self->put_manifest($url, digest($attestation),
                        type_of('oci', 'manifest'), $attestation);
    $self->put_manifest($url, $tag, type_of('oci', 'list'), $index);
}


sub put_blob
{
    my ($self, $url, $bytes) = @_;

    my ($status, $headers) = Schema1::Servers::get("$url/blobs/uploads/",
                                                   method => 'POST');

    my $to = $headers->{location} || die "no upload at $url: $status\n";
    my $mark = $to =~ /\?/ ? '&' : '?';

    ($status) = Schema1::Servers::get(
        $to . $mark . 'digest=' . digest($bytes), method => 'PUT',
        content => $bytes, 'Content-Type' => 'application/octet-stream');

    $status == 201 or die "PUT of a blob to $url: $status\n";
}


sub put_manifest
{
    my ($self, $url, $reference, $type, $bytes) = @_;

    my ($status, $headers, $said) = Schema1::Servers::get(
        "$url/manifests/$reference", method => 'PUT', content => $bytes,
        'Content-Type' => $type);

    $status == 201 or die "PUT $url/manifests/$reference: $status $said\n";
}


1;
