/**
 * Something that turns swap on at boot. `via`: by what means. `name`: what becomes swap, or the unit. `from`: the file and line.
 * `lines`: what has to be commented out to end it, as "/path:line". `unit`: what has to be masked or disabled instead.
 */
export type SwapSource = {
  readonly via: 'fstab' | 'unit' | 'gpt' | 'zram' | 'script' | 'argument';
  readonly name: string;
  readonly from: string;
  readonly lines?: readonly string[];
  readonly unit?: string;
};
