/** What became of a drain. */
export interface DrainReport {
  /** What was not finished in time, each in words; empty where all was. */
  readonly unfinished: readonly string[];
}
