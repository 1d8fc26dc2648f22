import { sep } from 'node:path';
import { watch } from 'chokidar';
import type { Clock } from '../../node/system.js';
import { limits } from '../../core/limits.js';

/** What is never watched: packages, what tools keep, and what is hidden. */
const ignored = /(?:^|[/\\])(?:node_modules|\.[^/\\.][^/\\]*)(?:$|[/\\])/;

/** Tells of changes below the paths, once they have settled; resolves once all is watched, with what ends it. */
export const watchChanges = async (
  paths: readonly string[],
  clock: Clock,
  tell: { readonly changed: (path: string) => void; readonly failed: (error: unknown) => void },
): Promise<() => Promise<void>> => {
  // Of paths within one another, the one that is nearest.
  const roots = [...paths].sort((a, b) => b.length - a.length);
  const isIgnored = (path: string): boolean => {
    const root = roots.find((one) => path === one || path.startsWith(`${one}${sep}`));
    // What was named itself is watched, wherever it lies.
    return root !== undefined && ignored.test(path.slice(root.length));
  };
  const watcher = watch([...paths], { ignoreInitial: true, ignored: isIgnored });
  let settling = clock.schedule(() => undefined, 0);
  watcher.on('all', (_event, path) => {
    settling.unsubscribe();
    settling = clock.schedule(() => {
      tell.changed(path);
    }, limits.changesMs);
  });
  watcher.on('error', tell.failed);
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  return async () => {
    settling.unsubscribe();
    await watcher.close();
  };
};
