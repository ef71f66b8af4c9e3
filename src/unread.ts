import type { Answers } from './model.ts';

/** As many are told one by one. */
const mostTold = 20;

/**
 * What is there but could not be read, and why, in order: what stands in those files is not in the plan. The kernel's own files are
 * left out: what they would tell is judged where it is asked for.
 */
export const unreadIn = (answers: Answers): readonly string[] => {
  const all = new Set<string>();
  for (const [key, { status, text, unread }] of answers) {
    if (unread) for (const one of unread) all.add(one);
    if (status === 2 && text !== '' && key.startsWith('read ')) all.add(text);
  }
  const told = [...all].filter((one) => !/^\/(?:proc|sys)\//.test(one)).sort();
  return told.length > mostTold ? [...told.slice(0, mostTold), `and ${told.length - mostTold} more`] : told;
};
