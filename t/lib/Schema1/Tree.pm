package Schema1::Tree;

# Copyright (C) the ngx_http_schema1_module authors

# The files of an image, to be compared: a line for each path.

use strict;
use warnings;

use Archive::Tar;
use Digest::SHA qw(sha256_hex);
use Exporter 'import';

our @EXPORT_OK = qw(tree);

# what Docker puts into each container
my $docker = qr{^(?:\.dockerenv|(?:dev|proc|sys)(?:/.*)?
                    |etc/(?:hosts|hostname|resolv\.conf|mtab))$}x;


# Returns path => "type mode owner ..." of all that a tar file holds.  The
# time of a folder is that of who unpacked it last, and is left out.
sub tree
{
    my ($file) = @_;

    my $tar = Archive::Tar->new($file) or die Archive::Tar->error, "\n";
    my (%tree, %bytes);

    for my $entry ($tar->get_files) {
        my $path = $entry->full_path =~ s{^\./}{}r =~ s{/+$}{}r;

        next if $path eq '' || $path eq '.' || $path =~ $docker;

        my $what;

        if ($entry->is_dir) {
            $what = 'folder';

        } elsif ($entry->is_symlink) {
            $what = 'link to ' . $entry->linkname;

        } else {

            # a second name has its bytes where the first is
            my $data = $entry->is_hardlink
                       ? $bytes{$entry->linkname =~ s{^\./}{}r}
                       : $entry->get_content // '';

            $bytes{$path} = $data;
            $what = join ' ', 'file', length $data, sha256_hex($data),
                    $entry->mtime;
        }

        $tree{$path} = sprintf '%04o %d:%d %s', $entry->mode & 07777,
                               $entry->uid, $entry->gid, $what;
    }

    # Docker makes /etc for its own files, where the image has none
    delete $tree{etc} unless grep { m{^etc/} } keys %tree;

    return \%tree;
}


1;
