/**
 * node-prep for those who embed it: the same steps as the command line, as values. Importing it does nothing.
 * `loadSettings` reads the same words and file as the flags; `planHost` asks a host and plans it; `makePlan` plans from answers that
 * are there already and is pure; `applyHost` does the plan and plans again.
 */
export { applyHost, planHost } from './apply.ts';
export type { Watch } from './apply.ts';
export { loadSettings } from './config.ts';
export type { DesiredFlags, Settings } from './config.ts';
export { OperatorError } from './errors.ts';
export { imageHost } from './hosts/image.ts';
export { localHost } from './hosts/local.ts';
export { isConverged, makePlan, queriesFor, summarize } from './plan.ts';
export { planText } from './views/plan-text.ts';
export type { Style } from './views/terminal.ts';
export type * from './model.ts';
