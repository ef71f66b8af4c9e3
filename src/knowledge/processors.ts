/** Node's names of processors, by which releases are named too, as uname(2) has them. */
export const machineNames = { x64: 'x86_64', arm64: 'aarch64' } as const;

const elfMachines: { readonly [machine: number]: string } = {
  3: 'i686',
  21: 'ppc64le',
  22: 's390x',
  40: 'armv7l',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
};

/** How many bytes of a file `elfMachine` wants. */
export const elfHeader = 20;

/** The processor that a program is for, as `uname -m` calls it, from its ELF header (elf.h); undefined where that is none. */
export const elfMachine = (header: Uint8Array): string | undefined => {
  const [low = 0, high = 0] = header[5] === 2 ? [header[19], header[18]] : [header[18], header[19]];
  const isElf = [0x7f, 0x45, 0x4c, 0x46].every((byte, i) => header[i] === byte);
  return isElf ? elfMachines[high * 256 + low] : undefined;
};
