/**
 * What becomes of the item too many: `block` makes its sender wait, `fail` refuses it with `overloaded`, `drop-oldest` and
 * `drop-newest` let go of one, `latest` keeps the newest alone.
 */
export type Overflow = 'block' | 'fail' | 'drop-oldest' | 'drop-newest' | 'latest';
