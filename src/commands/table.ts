import { apply } from './apply.ts';
import { explain } from './explain.ts';
import { facts } from './facts.ts';
import type { Command } from './options.ts';
import { plan } from './plan.ts';
import { history } from './history.ts';
import { profiles } from './profiles.ts';
import { render } from './render.ts';
import { verify } from './verify.ts';

/** Every command, in the order in which the help lists them. */
export const commands: readonly Command[] = [plan, apply, verify, history, explain, facts, profiles, render];
