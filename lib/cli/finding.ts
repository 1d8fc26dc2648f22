/** What came out of one check. */
export interface Finding {
  readonly check: string;
  /** `warn` where Skein works, but not as well as it could. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Without the code that Skein's own errors begin with. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^\[[a-z-]+\] /, '');
