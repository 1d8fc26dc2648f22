import { type Observable, of, throwError } from 'rxjs';
import { isSkeinError } from 'skein';

/** Whether who was asked is gone, rather than the answer an error. */
export const isLoss = (error: unknown): boolean =>
  isSkeinError(error, 'link-lost', 'peer-silent', 'undeliverable', 'closed', 'no-server');

/** For RxJS' `retry`: again, and at once, where who was asked is gone; all of the cloud's calls may be repeated. */
export const onlyLosses = (error: unknown): Observable<unknown> => (isLoss(error) ? of(error) : throwError(() => error));
