/** The names that stat(1) prints for file systems (coreutils' src/stat.c), by statfs(2)'s magic number (linux/magic.h). */
export const fileSystemNames: { readonly [magic: number]: string } = { 0x63677270: 'cgroup2fs', 0x1021994: 'tmpfs' };
