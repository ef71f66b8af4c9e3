import { cloudInit } from './cloud-init.ts';
import type { Format } from './format.ts';
import { packer } from './packer.ts';

/** Every format of `render`, in the order in which the help lists them. */
export const formats: readonly Format[] = [cloudInit, packer];
