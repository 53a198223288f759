package Schema1::Refused;

# Copyright (C) the ngx_http_schema1_module authors

# A section for the module's error responses, used with Schema1:
#
#     --- refused
#     404 MANIFEST_UNKNOWN no_platform team/app:1
#     platform: linux/amd64
#
# Status, error code, reason and image, then members of "detail".  It checks
# the status, Content-Type, Vary and Docker-Distribution-Api-Version (four
# tests), the body, that of a HEAD being none (one), and that the error log has
# one line that says the same (one).  Instead of [error] it is [alert] that the
# log must not contain (one).  With several requests it is a list.

use strict;
use warnings;

use JSON::PP;
use Test::Nginx::Socket;

my $log = '';
my $read = 0;


sub import
{
    add_block_preprocessor(\&complete);
    add_response_body_check(\&check);
}


sub complete
{
    my ($block) = @_;

    my $refused = $block->refused;

    # what earlier requests said is of no interest
    $log = "$Schema1::servroot/logs/error.log";
    $read = 0;

    return unless defined $refused;

    my @refused = ref $refused ? @$refused : $refused;
    my @status = map { defined $_ ? /^\s*(\d+)/ ? $1 : die "refused: $_\n"
                                  : 200 } @refused;
    my @headers = map { defined $_ ? "Content-Type: application/json\n"
                        . "Vary: Accept\n"
                        . "Docker-Distribution-Api-Version: registry/2.0" : ''
                      } @refused;

    $block->set_value(error_code => ref $refused ? \@status : $status[0])
        unless defined $block->error_code;
    $block->set_value(response_headers => ref $refused ? \@headers
                                                       : $headers[0])
        unless defined $block->response_headers;

    # the scaffold's default
    $block->set_value(no_error_log => "[alert]\n")
        if ($block->no_error_log // '') eq "[error]\n";
}


sub check
{
    my ($block, $body, $index, $repeated, $dry_run) = @_;

    my $refused = $block->refused;
    $refused = $refused->[$index] if ref $refused;

    return if $dry_run || !defined $refused;

    my $name = $block->name;
    my $request = $block->pipelined_requests // $block->request;
    $request = $request->[$index] if ref $request;

    my ($first, @rest) = grep { /\S/ } split /\n/, $refused;
    my ($status, $code, $reason, $image, $tag) =
        $first =~ /^\s*(\d+) (\w+) (\w+) (\S+):(\S+)\s*$/
        or die "$name: refused: $first\n";
    my %detail = (reason => $reason, name => $image, tag => $tag,
                  map { /^\s*(\w+): (.*?)\s*$/ } @rest);

    my @lines = grep { /schema_conversion: no manifest/ } said();
    my ($message, $source) = ('', '');

    if ($request =~ /^\s*HEAD/) {
        Test::More::is($body // '', '', "$name - refused, no body");

    } else {
        my @wrong = wrong($body, $code, \%detail);

        Test::More::ok(!@wrong, "$name - refused")
            or Test::More::diag(join "\n", @wrong, $body);

        my $error = eval { decode_json($body)->{errors}[0] } || {};
        $message = $error->{message} // '';
        $source = $error->{detail}{sourceDigest} // '-';
    }

    Test::More::like(join('', @lines), qr/\A[^\n]*\[error\][^\n]*
        "\Q$image:$tag\E":\ [^\n]*\Q$message\E[^\n]*
        \(reason:\ $reason,\ source:\ \Q$source\E[^\n ]*\)
        (?![^\n]*subrequest:)[^\n]*\n\z/x,
        "$name - one line in the log that says the same");
}


sub wrong
{
    my ($body, $code, $detail) = @_;

    my $json = eval { decode_json($body) }
        or return "the body is no JSON";
    my $error = $json->{errors}[0];
    my @wrong;

    push @wrong, 'there is more than an error'
        if join(',', sort keys %$json) ne 'errors'
           || @{$json->{errors}} != 1
           || join(',', sort keys %$error) ne 'code,detail,message';
    push @wrong, "the code is \"$error->{code}\""
        if $error->{code} ne $code;
    push @wrong, "the message is \"$error->{message}\""
        if $error->{message} !~ /^[ -~]{20,}$/;

    for (sort keys %$detail) {
        my $is = $error->{detail}{$_} // 'missing';

        push @wrong, "\"$_\" of the detail is \"$is\"" if $is ne $detail->{$_};
    }

    return @wrong;
}


# the lines that are new
sub said
{
    open my $fh, '<', $log or return;
    seek $fh, $read, 0;

    my @lines = <$fh>;
    $read = tell $fh;

    return @lines;
}


1;
