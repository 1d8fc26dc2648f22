/** Names that no one else has. */
export abstract class Ids {
  /** An id of letters, digits and `-`; later ones of one source sort behind earlier ones. */
  abstract next(): string;
}
