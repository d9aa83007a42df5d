/**
 * The texts of JSON objects that stand one after another without commas, as the original's
 * `registry.json` has them. What is in them is not checked.
 *
 * @throws SyntaxError where something else than space stands between them, or the last one does not end
 */
export function splitJsonObjects(text: string): readonly string[] {
  const objects: string[] = [];
  for (let at = skipSpace(text, 0); at < text.length;) {
    const end = endOfObject(text, at);
    objects.push(text.slice(at, end));
    at = skipSpace(text, end);
  }
  return objects;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (" \t\r\n".includes(text.charAt(at)) && at < text.length) at += 1;
  return at;
}

/** Behind the brace that closes the one at `start`; braces in strings do not count. */
function endOfObject(text: string, start: number): number {
  if (text.charAt(start) !== "{") {
    throw new SyntaxError(`expected an object at character ${start}`);
  }
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at += 1) {
    const sign = text.charAt(at);
    if (inString) {
      if (sign === "\\") at += 1;
      else if (sign === '"') inString = false;
    } else if (sign === '"') {
      inString = true;
    } else if (sign === "{") {
      depth += 1;
    } else if (sign === "}") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw new SyntaxError(`expected the object at character ${start} to end`);
}
