import { throwError } from 'rxjs';

/**
 * What users' code throws where nobody can take it, such as a teardown as its subscription completes, is told as RxJS tells what observers throw:
 * as an uncaught exception, but not in the midst of what else is under way.
 */
export const throwApart = (error: unknown): void => {
  throwError(() => error).subscribe();
};
