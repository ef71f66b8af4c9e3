import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { configSchema } from '../src/config-file.ts';

/** The JSON Schema of the configuration file, made from what reads it: for editors. */
export const configJsonSchema = (): string => {
  const made = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
  const head = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Configuration of node-prep' };
  return `${JSON.stringify({ ...head, ...made }, undefined, 2)}\n`;
};

if (import.meta.main) writeFileSync(resolve(import.meta.dirname, '../schemas/config.schema.json'), configJsonSchema());
