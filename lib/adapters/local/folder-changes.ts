import { watch } from 'node:fs';
import { Observable } from 'rxjs';

/** Emits when a file appears in the folder, or vanishes. Errors where the system can watch no more folders. */
export const folderChanges = (folder: string): Observable<void> =>
  new Observable((subscriber) => {
    try {
      const watcher = watch(folder);
      // What is no more than a change is a renewed lease, which no one needs to see.
      watcher.on('change', (event) => {
        if (event === 'rename') subscriber.next();
      });
      watcher.on('error', (error) => subscriber.error(error));
      return () => watcher.close();
    } catch (error) {
      subscriber.error(error);
      return undefined;
    }
  });
