/** The finaliser of MurmurHash3 (A. Appleby, 2011): each bit of what goes in changes each bit of what comes out with half a chance, and no two give the same. */
export const mix32 = (bits: number): number => {
  let mixed = bits;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};

/** 32 bits of a text: FNV-1a (G. Fowler, L. Noll, K.-P. Vo, 1991) over its UTF-16 code units, mixed so that all bits are as good. */
export const hash32 = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash);
};
