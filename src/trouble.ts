/** The error's code, such as ENOENT. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);

/** What went wrong with a file, in words. */
export const troubleWords = (error: unknown): string => troubleOf(error)?.words ?? codeOf(error);

/** What the operator can do about it. */
export const remedyFor = (error: unknown): string => troubleOf(error)?.remedy ?? 'Mend that, then run node-prep again.';

const troubleOf = (error: unknown): Trouble | undefined => (troubles as { readonly [code: string]: Trouble })[codeOf(error)];

type Trouble = { readonly words: string; readonly remedy: string };

/** The errors of open(2), write(2), fsync(2), rename(2), unlink(2) and mkdir(2), as far as a host can bring them about. */
const troubles = {
  EROFS: {
    words: 'its file system is mounted read-only',
    remedy: 'Mount it read-write (mount -o remount,rw), then run node-prep again.',
  },
  ENOSPC: { words: 'no space is left on its file system', remedy: 'Make room (see df and df -i), then run node-prep again.' },
  EDQUOT: { words: 'the disk quota is used up', remedy: 'Make room or raise the quota, then run node-prep again.' },
  EPERM: {
    words: 'it may not be changed (immutable? see lsattr)',
    remedy: 'Look at lsattr of the file and of its folder (chattr -i and -a take that away), then run node-prep again.',
  },
  EACCES: {
    words: 'permission denied',
    remedy: 'Run node-prep as root; to root itself, SELinux or AppArmor may say no (see the audit log).',
  },
  EIO: { words: 'the disk gave an input/output error', remedy: 'Look at dmesg: the disk or its file system needs help first.' },
  EISDIR: { words: 'a folder is in its place', remedy: 'Look at what is in that folder, and move it away.' },
  ENOTDIR: { words: 'a file is where a folder should be', remedy: 'Look at that file, and move it away.' },
  EBUSY: { words: 'something is mounted there', remedy: 'Look at findmnt; umount it, or change the file that is mounted.' },
  ELOOP: { words: 'its links lead in a circle', remedy: 'Look at the links on the way to it (namei -l), and mend them.' },
  ENAMETOOLONG: { words: 'its name is too long for its file system', remedy: 'Give it a shorter name.' },
  EMFILE: { words: 'too many files are open', remedy: 'Raise the limit (ulimit -n), then run node-prep again.' },
  ENFILE: {
    words: 'too many files are open on this machine',
    remedy: 'Look at fs.file-nr and fs.file-max, then run node-prep again.',
  },
  EFBIG: { words: 'it would be larger than files may be here', remedy: 'Raise the limit (ulimit -f), then run node-prep again.' },
  EEXIST: {
    words: 'something is in its place that leads nowhere (a link to what is gone?)',
    remedy: 'Look at the links on the way to it (namei -l), and mend them.',
  },
  ETXTBSY: { words: 'it is a program that runs', remedy: 'Wait until it has ended, then run node-prep again.' },
  ESTALE: {
    words: 'its file system has gone away (a server that restarted?)',
    remedy: 'Mount it anew, then run node-prep again.',
  },
} as const satisfies { readonly [code: string]: Trouble };
