/**
 * Whether a value has all that the wanted one says. A server adds defaults and what others wrote to an object: members
 * of its own do not matter, but lists have exactly the wanted elements in their order. A member that is wanted to be
 * undefined is not wanted at all.
 */
export function covers(actual: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted))
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((each, index) => covers(actual[index], each))
    );
  if (typeof wanted !== 'object' || wanted === null) return actual === wanted;
  if (typeof actual !== 'object' || actual === null) return false;
  const members = new Map<string, unknown>(Object.entries(actual));
  return Object.entries(wanted).every(([key, value]) => covers(members.get(key), value));
}
