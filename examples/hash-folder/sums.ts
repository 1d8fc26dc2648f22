/** A file with its checksum. */
export interface Sum {
  readonly path: Buffer;
  readonly sha256: string;
}

const escapes: ReadonlyMap<number, string> = new Map([
  [0x5c, '\\\\'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
]);

/** A name on one line, as coreutils 9 writes it; the line begins with a backslash where anything had to be escaped. */
const escape = (path: Buffer): Buffer => Buffer.concat([...path].map((byte) => Buffer.from(escapes.get(byte) ?? [byte])));

/** A line as `sha256sum` prints it, in bytes, since names need not be text. */
export const formatSum = ({ path, sha256 }: Sum): Buffer => {
  const escaped = escape(path);
  return Buffer.concat([Buffer.from(escaped.length > path.length ? `\\${sha256}  ` : `${sha256}  `), escaped, Buffer.from('\n')]);
};

/** A path for people: where it is not text, or not on one line, that is made visible. */
export const showPath = (path: Buffer): string => escape(path).toString();
