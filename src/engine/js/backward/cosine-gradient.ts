/**
 * The gradient of `cos(e, t)` with respect to `e`: `(t/|t| - cos e/|e|) / |e|`. Moving along it brings the embedding
 * closer to the target.
 *
 * @param embedding `[E]`, not zero
 * @param target `[E]`, not zero
 * @returns `[E]`
 */
export function cosineGradient(embedding: ArrayLike<number>, target: ArrayLike<number>): Float32Array {
  let dot = 0;
  let squareE = 0;
  let squareT = 0;
  for (let i = 0; i < embedding.length; i++) {
    dot += embedding[i]! * target[i]!;
    squareE += embedding[i]! ** 2;
    squareT += target[i]! ** 2;
  }
  const lengths = Math.sqrt(squareE * squareT);
  return Float32Array.from(embedding, (value, i) => target[i]! / lengths - (dot / lengths) * (value / squareE));
}
