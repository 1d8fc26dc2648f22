import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { Observable } from 'rxjs';

/**
 * Emits when something changes in the file's folder. The folder is watched, not the file, since editors put a new file in the
 * old one's place, and others a new target behind a link. Errors where the folder cannot be watched.
 */
export const changesBeside = (file: string): Observable<unknown> =>
  new Observable((subscriber) => {
    try {
      const watcher = watch(dirname(file));
      watcher.on('change', () => subscriber.next(undefined));
      watcher.on('error', (error) => subscriber.error(error));
      return () => watcher.close();
    } catch (error) {
      subscriber.error(error);
      return undefined;
    }
  });
