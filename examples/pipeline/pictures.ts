import type { Picture } from './contract.js';

const side = 64;
const factor = 8;

/** A picture that is different for each number. */
export const paint = (number: number): Picture => ({
  number,
  dots: Uint8Array.from({ length: side * side }, (_, dot) => (dot % side) * number + Math.floor(dot / side)),
});

/** Each dot is the mean of a square of dots. */
export const shrink = (dots: Uint8Array): Uint8Array => {
  const small = side / factor;
  return Uint8Array.from({ length: small * small }, (_, dot) => {
    const [left, top] = [(dot % small) * factor, Math.floor(dot / small) * factor];
    let sum = 0;
    for (let y = top; y < top + factor; y += 1) {
      for (let x = left; x < left + factor; x += 1) sum += dots[y * side + x] ?? 0;
    }
    return sum / (factor * factor);
  });
};
