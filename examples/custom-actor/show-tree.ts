import type { ActorStatus } from 'skein';

/** An actor and all below it, a line each. */
export const showTree = ({ path, state, processed, restarts, children }: ActorStatus, indent = ''): string =>
  [
    `${indent}${path.replace(/^.*\//, '')}: ${state}, ${String(processed)} taken, ${String(restarts)} restarts`,
    ...children.map((child) => showTree(child, `${indent}  `)),
  ].join('\n');
