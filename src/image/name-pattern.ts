/** Texts that `isNamePattern` takes, for messages. */
export const NAME_PATTERN_FORM = "a name, or part of one with * at its begin, end or both";

const PATTERN = /^\*?[^*\p{Cc}\s]+\*?$/u;

/** Whether `text` is an exact name, `prefix*`, `*suffix` or `*word*`. */
export function isNamePattern(text: string): boolean {
  return text.length <= 512 && PATTERN.test(text);
}

/** Whether one of `patterns` stands for `name`, as `isNamePattern` has them. */
export function matchesNamePattern(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const starts = pattern.startsWith("*") ? 1 : 0;
    const ends = pattern.length > 1 && pattern.endsWith("*") ? 1 : 0;
    const word = pattern.slice(starts, pattern.length - ends);
    if (starts === 1 && ends === 1) return name.includes(word);
    if (starts === 1) return name.endsWith(word);
    return ends === 1 ? name.startsWith(word) : name === word;
  });
}
