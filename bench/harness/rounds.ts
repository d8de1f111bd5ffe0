type Side = () => number | Promise<number>;

/**
 * Measures several sides in turn, round after round, so that other load on the machine affects all
 * of them. Every other round runs backwards; the first is not counted.
 */
export async function rounds<Name extends string>(
  count: number,
  sides: Readonly<Record<Name, Side>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(sides) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = 0; round <= count; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const sample = await sides[name]();
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}
