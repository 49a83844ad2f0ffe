# System calls that Node lacks, done for host-calls.ts: extended attributes, device nodes, renameat2, times to the
# nanosecond, holes. Perl's `syscall` makes them without anything to compile, and Debian always has it.
#
# A request on standard input is a length (32 bits, network order) and that many bytes: a list of calls, each a list of
# strings, each string with its length in front. Calls run in order up to the first that fails. The answer has the same form:
# errno (0: all done), number of the call that failed, then what the calls have to say. It ends with its input.

use strict;
use warnings;
use POSIX ();

my %NUMBERS = (
    x86_64  => { lchown => 94, setxattr => 188, lsetxattr => 189, getxattr => 191, lgetxattr => 192, llistxattr => 195,
                 removexattr => 197, lremovexattr => 198, mknodat => 259, utimensat => 280, fallocate => 285,
                 name_to_handle_at => 303, renameat2 => 316, copy_file_range => 326 },
    aarch64 => { fchownat => 54, setxattr => 5, lsetxattr => 6, getxattr => 8, lgetxattr => 9, llistxattr => 12,
                 removexattr => 14, lremovexattr => 15, mknodat => 33, utimensat => 88, fallocate => 47,
                 name_to_handle_at => 264, renameat2 => 276, copy_file_range => 285 },
);
my $machine = (POSIX::uname())[4];
my $N = $NUMBERS{$machine} or die "no numbers of system calls for $machine\n";

use constant { AT_FDCWD => -100, NOFOLLOW => 0x100, EXCHANGE => 2, SEEK_DATA => 3, SEEK_HOLE => 4,
               FICLONE => 0x40049409, FS_IOC_GETFSUUID => 0x80111500, EOPNOTSUPP => 95, EXDEV => 18, ENXIO => 6 };

# A descriptor of the caller is the only link that is followed.
sub is_open { $_[0] =~ m{^/proc/\d+/fd/\d+\z} }

sub check { die int($!) . "\n" if $_[0] < 0; $_[0] }
sub done  { die int($!) . "\n" unless $_[0]; 1 }

sub opened {
    my ($path, $mode) = @_;
    done(sysopen(my $file, $path, $mode | POSIX::O_NONBLOCK()));
    return $file;
}

my %CALLS = (
    mkdir    => sub { done(mkdir($_[0], $_[1])); chmod($_[1], $_[0]) },
    rmdir    => sub { done(rmdir($_[0])) },
    link     => sub { done(link($_[0], $_[1])) },
    symlink  => sub { done(symlink($_[0], $_[1])) },
    unlink   => sub { done(unlink($_[0])) },
    chmod    => sub { done(chmod($_[1], $_[0])) },
    create   => sub { done(sysopen(my $f, $_[0], POSIX::O_CREAT() | POSIX::O_EXCL() | POSIX::O_WRONLY(), $_[1])) },
    truncate => sub { done(truncate($_[0], $_[1])) },
    mknod    => sub { check(syscall($N->{mknodat}, AT_FDCWD, $_[0], $_[1] + 0, $_[2] + 0)); chmod($_[1] & 07777, $_[0]) },
    rename   => sub { check(syscall($N->{renameat2}, AT_FDCWD, $_[0], AT_FDCWD, $_[1], $_[2] + 0)) },
    remove   => sub { remove($_[0]) },
    chown    => sub {
        return done(chown($_[1], $_[2], $_[0])) if is_open($_[0]);
        check($N->{lchown} ? syscall($N->{lchown}, $_[0], $_[1] + 0, $_[2] + 0)
                           : syscall($N->{fchownat}, AT_FDCWD, $_[0], $_[1] + 0, $_[2] + 0, NOFOLLOW));
    },
    utimens => sub {
        my ($path, @times) = @_;
        my $times = pack('q4', @times);
        check(syscall($N->{utimensat}, AT_FDCWD, $path, $times, is_open($path) ? 0 : NOFOLLOW));
    },
    setxattr => sub {
        my ($path, $name, $value) = @_;
        check(syscall($N->{ is_open($path) ? 'setxattr' : 'lsetxattr' }, $path, $name, $value, length $value, 0));
    },
    removexattr => sub {
        check(syscall($N->{ is_open($_[0]) ? 'removexattr' : 'lremovexattr' }, $_[0], $_[1]));
    },
    fallocate => sub {
        my ($path, $mode, $offset, $length) = @_;
        my $file = opened($path, POSIX::O_WRONLY());
        check(syscall($N->{fallocate}, fileno($file), $mode + 0, $offset + 0, $length + 0));
    },
    seek => sub {
        my ($path, $offset, $whence) = @_;
        my $file = opened($path, POSIX::O_RDONLY());
        my $at = sysseek($file, $offset, $whence);
        done(defined $at);
        return $at + 0;
    },
    copy => sub { copy($_[0], $_[1]) },
    segments => sub { return pack('(N/a*)*', map { "$_" } segments(opened($_[0], POSIX::O_RDONLY()), $_[1])) },
    xattrs => sub { return pack('(N/a*)*', xattrs($_[0])) },
    scan => sub { return pack('(N/a*)*', scan($_[0])) },
    origin => sub { origin(@_) },
    handle => sub { return handle(@_) },
    uuid => sub {
        my $directory = opened($_[0], POSIX::O_RDONLY());
        my $answer = "\0" x 17;
        done(ioctl($directory, FS_IOC_GETFSUUID, $answer));
        return substr($answer, 1, 16);
    },
);

sub remove {
    my ($path) = @_;
    if (!-l $path && -d _) {
        done(opendir(my $directory, $path));
        my @names = grep { $_ ne '.' && $_ ne '..' } readdir $directory;
        closedir $directory;
        remove("$path/$_") for @names;
        return done(rmdir $path);
    }
    done(unlink $path);
}

# Stretches of data: offsets and lengths in turn.
sub segments {
    my ($file, $size) = @_;
    my ($at, @found) = (0);
    while ($at < $size) {
        my $data = sysseek($file, $at, SEEK_DATA);
        if (!defined $data) { last if $! == ENXIO; die int($!) . "\n" }
        my $hole = sysseek($file, $data, SEEK_HOLE);
        done(defined $hole);
        push @found, $data + 0, $hole - $data;
        $at = $hole + 0;
    }
    return @found;
}

# Data with its holes: shared blocks where the file system can, else a copy within the kernel.
sub copy {
    my ($from, $to) = @_;
    my $in = opened($from, POSIX::O_RDONLY());
    my $out = opened($to, POSIX::O_WRONLY());
    my $number = fileno($in) + 0;
    return 1 if ioctl($out, FICLONE, $number);
    my $size = -s $in;
    # As a kernel's copy-up does it: a stretch of at most 1 MiB from the next data on, with the holes in it written out.
    my $in_kernel = 1;
    for (my $at = 0; $at < $size;) {
        $at = sysseek($in, $at, SEEK_DATA);
        if (!defined $at) { last if $! == ENXIO; die int($!) . "\n" }
        my $length = $size - $at < 1 << 20 ? $size - $at : 1 << 20;
        done(defined sysseek($in, $at, 0));
        done(defined sysseek($out, $at, 0));
        $at += $length;
        while ($length > 0) {
            my $count;
            if ($in_kernel) {
                $count = syscall($N->{copy_file_range}, fileno($in), 0, fileno($out), 0, $length + 0, 0);
                if ($count < 0) { die int($!) . "\n" unless $! == EXDEV || $! == EOPNOTSUPP || $! == POSIX::EINVAL() || $! == POSIX::ENOSYS() }
                if ($count <= 0) { $in_kernel = 0; next }
            }
            else {
                $count = sysread($in, my $bytes, $length);
                done(defined $count);
                last if $count == 0;
                for (my $written = 0; $written < $count;) {
                    my $more = syswrite($out, $bytes, $count - $written, $written);
                    done(defined $more);
                    $written += $more;
                }
            }
            $length -= $count;
        }
    }
    done(truncate($out, $size));
}

# Names and values in turn.
sub xattrs {
    my ($path) = @_;
    my $names = "\0" x 65536;
    my $length = syscall($N->{llistxattr}, $path, $names, length $names);
    return () if $length <= 0;
    my @found;
    for my $name (split /\0/, substr($names, 0, $length)) {
        my $value = "\0" x 65536;
        my $size = syscall($N->{lgetxattr}, $path, $name, $value, length $value);
        push @found, $name, substr($value, 0, $size) if $size >= 0;
    }
    return @found;
}

# Of everything below a directory that has attributes: path, then its attributes as `xattrs` gives them.
sub scan {
    my ($root) = @_;
    my @pending = ('');
    my $names = "\0" x 65536;
    my @found;
    my $look = sub {
        my ($path) = @_;
        my $full = $path eq '' ? $root : "$root/$path";
        my $length = syscall($N->{llistxattr}, $full, $names, 65536);
        push @found, $path, pack('(N/a*)*', xattrs($full)) if $length > 0;
    };
    $look->('');
    while (defined(my $path = pop @pending)) {
        opendir(my $directory, $path eq '' ? $root : "$root/$path") or next;
        for my $name (readdir $directory) {
            next if $name eq '.' || $name eq '..';
            my $below = $path eq '' ? $name : "$path/$name";
            $look->($below);
            push @pending, $below if !-l "$root/$below" && -d _;
        }
    }
    return @found;
}

# What a kernel's overlay knows an object again by (struct ovl_fb, fs/overlayfs/overlayfs.h); '' where the file system gives no
# file handles.
#
#   0 version | 1 magic | 2 length | 3 flags | 4 type | 5 uuid (16) | 21 file handle
sub handle {
    my ($path, $uuid, $flags) = @_;
    my $handle = pack('Ll', 128, 0) . "\0" x 128;
    my $mount = "\0" x 8;
    return '' if syscall($N->{name_to_handle_at}, AT_FDCWD, $path, $handle, $mount, 0) < 0;
    my ($length, $type) = unpack('Ll', $handle);
    return pack('C5', 0, 0xfb, 21 + $length, $flags, $type) . $uuid . substr($handle, 8, $length);
}

# Marks a copy with where it comes from; where there are no file handles it does without, as the kernel does.
sub origin {
    my ($from, $to, $mark, $uuid) = @_;
    my $value = handle($from, $uuid, 0);
    return 0 if $value eq '';
    check(syscall($N->{lsetxattr}, $to, $mark, $value, length $value, 0));
}

sub take {
    my ($length) = @_;
    my $bytes = '';
    while (length $bytes < $length) {
        my $count = sysread(STDIN, $bytes, $length - length $bytes, length $bytes);
        exit 0 unless $count;
    }
    return $bytes;
}

umask 0;
$SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
while (1) {
    my @answers;
    my ($errno, $index) = (0, 0);
    for my $call (unpack('(N/a*)*', take(unpack('N', take(4))))) {
        my ($name, @arguments) = unpack('(N/a*)*', $call);
        my $result = eval { $CALLS{$name}->(@arguments) };
        if ($@) { $errno = $@ =~ /^(\d+)\n/ ? $1 : 5; last }
        push @answers, $result;
        $index++;
    }
    my $answer = pack('(N/a*)*', $errno, $index, @answers);
    my $message = pack('N', length $answer) . $answer;
    for (my $written = 0; $written < length $message;) {
        my $count = syswrite(STDOUT, $message, length($message) - $written, $written);
        exit 1 unless $count;
        $written += $count;
    }
}
