/** Whether a value is as it has to be. */
export type Check = (value: unknown) => boolean;
type Checks = { readonly [key: string]: Check };

/** Any text. */
export const text: Check = (value) => typeof value === 'string';
/** A whole number from 0. */
export const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** A whole number. */
export const whole: Check = (value) => Number.isSafeInteger(value);
/** True or false. */
export const flag: Check = (value) => typeof value === 'boolean';
/** null. */
export const nothing: Check = (value) => value === null;
/** Text that matches. */
export const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
/** One of these. */
export const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
/** Whatever one of these takes. */
export const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
/** An array of such. */
export const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** An object that is no array. */
export const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** An object with these keys. Keys beyond those named do no harm: nobody looks at them. */
export const shape = (needed: Checks, optional: Checks = {}): Check => {
  const [must, may] = [Object.entries(needed), Object.entries(optional)];
  return (value) =>
    isRecord(value) &&
    must.every(([key, check]) => Object.hasOwn(value, key) && check(value[key])) &&
    may.every(([key, check]) => !Object.hasOwn(value, key) || check(value[key]));
};

/** An object with such values, whatever its keys, or under keys that match: what becomes a word of a command must be no option. */
export const mapOf =
  (check: Check, key: RegExp = /^/): Check =>
  (value) =>
    isRecord(value) && Object.entries(value).every(([name, inner]) => key.test(name) && check(inner));
