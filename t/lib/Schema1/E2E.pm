package Schema1::E2E;

# Copyright (C) the ngx_http_schema1_module authors

# What every end to end test starts from: a real registry with images made
# by real tools, and nginx with the module in front of it.
#
#     my $e2e = Schema1::E2E->new(needs => [qw(skopeo)], root => 1);
#
# Without one of these the whole file is skipped, and says why.  It has
#
#     registry    the registry's own port
#     proxy       nginx's, with conversion on
#     stripped    another server's of nginx in front of that, which takes the
#                 Accept header away: any client is an old one there
#     servers     that start more, and read nginx's access log
#
# Images: e2e/docker:1, e2e/list:1 (amd64, arm64), e2e/oci:1, e2e/oci:index (with
# an attestation), e2e/ocilist:1 (amd64, arm64).

use strict;
use warnings;

use Fcntl qw(:flock);
use File::Basename qw(basename);
use File::Path qw(make_path);
use JSON::PP;
use Digest::SHA;
use Test::More;

use Schema1::Documents;
use Schema1::Images;
use Schema1::Keys;
use Schema1::Servers;

our @images = ('e2e/docker:1', 'e2e/list:1', 'e2e/oci:1', 'e2e/oci:index',
               'e2e/ocilist:1');

# all that a client of today names
our $modern = join ', ', map { (type_of('docker', $_), type_of('oci', $_)) }
              qw(manifest list);

our $say = "hello from amd64 on linux/amd64\nthe first file\n"
           . "the second file\n";


sub new
{
    my ($class, %opt) = @_;

    my @missing = grep { !found($_) }
                  qw(nginx docker-registry buildah openssl),
                  @{$opt{needs} || []};

    plan skip_all => "not installed: @missing" if @missing;
    plan skip_all => 'needs root' if $opt{root} && $> != 0;

    my $build = $Schema1::Servers::build;
    my $name = basename($0) =~ s/\.t$//r;
    my $store = store("$build/images");
    my $servers = Schema1::Servers->new("$build/e2e/$name");
    my $self = bless { servers => $servers }, $class;

    $self->{keys} = Schema1::Keys::make("$build/keys");

    make_path($servers->dir('registry'));
    Schema1::Servers::must('cp', '-r', "$store/docker",
                           $servers->dir('registry'));

    $self->{registry} = $servers->registry('registry');
    $self->{proxy} = Schema1::Servers::free_port();
    $self->{stripped} = Schema1::Servers::free_port();
    $self->start_nginx($opt{http} // '', $opt{location} // '');

    return $self;
}


sub start_nginx
{
    my ($self, $http, $location) = @_;

    my $key = $location =~ /\bschema_conversion_key\b/ ? ''
              : "schema_conversion_key $self->{keys}/ec256.pem;";

    $self->{servers}->nginx('nginx', <<END, $self->{proxy});
    server {
        listen 127.0.0.1:$self->{proxy};

        location /v2/ {
            schema_conversion on;
            $key
            proxy_pass http://127.0.0.1:$self->{registry};
            proxy_set_header Host \$http_host;
            $location
        }
    }

    server {
        listen 127.0.0.1:$self->{stripped};

        access_log off;

        location /v2/ {
            proxy_pass http://127.0.0.1:$self->{proxy};
            proxy_set_header Host \$http_host;
            proxy_set_header Accept "";
        }

        # no v1 registry
        location / {
            return 404;
        }
    }

$http
END
}


sub found
{
    my ($command) = @_;

    return grep { -x "$_/$command" } split(/:/, $ENV{PATH}),
           qw(/usr/sbin /sbin);
}


# the images, made once: a registry's storage, to be copied
sub store
{
    my ($dir) = @_;

    make_path($dir);

    open my $lock, '>', "$dir/.lock" or die "$dir/.lock: $!\n";
    flock $lock, LOCK_EX;

    my $made_by = Digest::SHA->new(256)->addfile(
        $INC{'Schema1/Images.pm'})->hexdigest;
    my $mark = "$dir/.made";

    return "$dir/store" if Schema1::Servers::slurp($mark) eq $made_by;

    my $servers = Schema1::Servers->new("$dir/work");
    my $port = $servers->registry('registry');
    my $images = Schema1::Images->new("$dir/work/images", $port);

    diag('building images');
    $images->build('docker', 'docker');
    $images->push_image('docker', 'e2e/docker:1', 'v2s2');
    $images->push_list('e2e/list:1', 'docker', 'amd64', 'arm64');
    $images->build('oci', 'oci');
    $images->push_image('oci', 'e2e/oci:1', 'oci');
    $images->push_attested('e2e/oci', '1', 'index');
    $images->push_list('e2e/ocilist:1', 'oci', 'amd64', 'arm64');
    $servers->stop_all;

    Schema1::Servers::remove_all("$dir/store");
    rename "$dir/work/registry", "$dir/store" or die "rename: $!\n";
    Schema1::Servers::remove_all("$dir/work");
    Schema1::Servers::put($mark, $made_by);

    return "$dir/store";
}


# GET of a manifest: status, headers, body
sub manifest
{
    my ($self, $port, $image, %headers) = @_;

    my ($name, $reference) = $image =~ /^(.*?)[:@](.*)$/;

    return Schema1::Servers::get(
        "http://127.0.0.1:$self->{$port}/v2/$name/manifests/$reference",
        %headers);
}


sub blob
{
    my ($self, $port, $name, $digest, %headers) = @_;

    return Schema1::Servers::get(
        "http://127.0.0.1:$self->{$port}/v2/$name/blobs/$digest", %headers);
}


# the config that the image has in the registry, for amd64
sub config_of
{
    my ($self, $image) = @_;

    my ($name) = $image =~ /^([^:@]+)/;
    my %accept = (Accept => $modern);
    my (undef, undef, $body) = $self->manifest(registry => $image, %accept);
    my $json = JSON::PP->new->utf8->decode($body);

    if ($json->{manifests}) {
        my ($child) = grep { $_->{platform}{architecture} eq 'amd64' }
                      @{$json->{manifests}};

        (undef, undef, $body) = $self->manifest(
            registry => "$name\@$child->{digest}", %accept);
        $json = JSON::PP->new->utf8->decode($body);
    }

    (undef, undef, $body) = $self->blob(registry => $name,
                                       $json->{config}{digest});

    return JSON::PP->new->utf8->decode($body);
}


# libtrust's verdict on a signed body, see t/diff/verify; undef without Go
sub libtrust
{
    my ($self, $body, @options) = @_;

    my $verify = $self->{verify} //= $self->build_verify;

    return unless $verify;

    my $file = $self->{servers}->dir('signed.json');

    Schema1::Servers::put($file, $body);

    my ($status, $said) = Schema1::Servers::run($verify, @options, $file);

    $said =~ s/^\Q$file\E:?\s*//;
    chomp $said;

    return $status == 0 ? $said : "failed: $said";
}


sub build_verify
{
    my ($self) = @_;

    return '' unless found('go')
                     && -d '/usr/share/gocode/src/github.com/docker/libtrust';

    local $ENV{GO111MODULE} = 'off';
    local $ENV{GOPATH} = '/usr/share/gocode';
    local $ENV{GOCACHE} = "$Schema1::Servers::build/gocache";
    local $ENV{GOFLAGS} = '';

    Schema1::Servers::must(
        'go', 'build', '-o', "$Schema1::Servers::build/verify",
        "$Schema1::Servers::top/t/diff/verify/main.go");

    return "$Schema1::Servers::build/verify";
}


# nothing at [error] or above, but what is expected
sub log_ok
{
    my ($self, @expected) = @_;

    my $file = $self->{servers}->dir('nginx', 'logs', 'error.log');
    my @bad = grep {
        my $line = $_;
        $line =~ /\[(error|crit|alert|emerg)\]/
            && !grep { $line =~ $_ } @expected
    } split /^/, Schema1::Servers::slurp($file);

    ok(!@bad, 'nothing unexpected in the error log') or diag(@bad);
}


1;
