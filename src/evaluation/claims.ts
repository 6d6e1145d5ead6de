/** A negation further away than this belongs to something else. */
const NEGATION_REACH = 80;

const NEGATION =
  /(?:\b(?:not|no|never|neither|nor|without|cannot|false|incorrect|untrue|wrong|myth|misconception|contrary|instead of|rather than|unlike|unclear|unknown whether)\b|n['’]t\b)/i;

const WORD = /[\p{L}\p{N}]/u;

/**
 * The first of the phrases that the response claims, or null: it holds the phrase as whole words, without regard to case
 * and spacing, and nothing negates it earlier in the same sentence. "It is not Lyon" does not claim "Lyon".
 */
export function forbiddenClaim(response: string, phrases: readonly string[]): string | null {
  const text = normal(response);
  return phrases.find((phrase) => isClaimed(text, normal(phrase))) ?? null;
}

/** Whether the response holds the phrase as whole words, without regard to case and spacing. */
export function mentions(response: string, phrase: string): boolean {
  return placesOf(normal(response), normal(phrase)).length > 0;
}

function isClaimed(text: string, phrase: string): boolean {
  return placesOf(text, phrase).some((at) => {
    const before = text.slice(Math.max(0, at - NEGATION_REACH), at);
    const sentence = before.slice(before.search(/[^.!?;\n]*$/));
    return !NEGATION.test(sentence);
  });
}

function placesOf(text: string, phrase: string): readonly number[] {
  const places: number[] = [];
  if (phrase === '') return places;
  for (let at = text.indexOf(phrase); at !== -1; at = text.indexOf(phrase, at + 1)) {
    if (isEdge(text, at) && isEdge(text, at + phrase.length)) places.push(at);
  }
  return places;
}

/** Whether no word goes on over a position. */
function isEdge(text: string, at: number): boolean {
  return !(WORD.test(text.charAt(at - 1)) && WORD.test(text.charAt(at)));
}

function normal(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFC')
    .replaceAll(/[^\S\n]+/g, ' ')
    .trim();
}
