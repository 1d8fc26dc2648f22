/** Who gets the value or the error of a call, such as a subscriber. */
export interface Sink {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}
