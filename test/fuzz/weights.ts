import fc from "fast-check";

/** Mostly the first: what is made of many parts has a chance to be sound as a whole. */
export function mostly<Value>(
  usual: fc.Arbitrary<Value>,
  other: fc.Arbitrary<Value>,
): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: other });
}

/** An empty list three times of four. */
export function seldom<Item>(list: fc.Arbitrary<readonly Item[]>): fc.Arbitrary<readonly Item[]> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant<readonly Item[]>([]) },
    { weight: 1, arbitrary: list },
  );
}
