import { plainSpelling } from './plain-spelling.ts';

/**
 * The first of the phrases that the response claims, or null: it holds the phrase as whole words, in whatever spelling a
 * reader takes for it, and nothing denies just that. What denies it stands right before it ("is not actually Lyon"), in a
 * list ("not Nice or Lyon"), or rejects the clause that it is in ("it is false that the capital is Lyon"). Anything else
 * is a claim: "no doubt", "not Paris but Lyon", "never forget that it is Lyon", and denials that are denied.
 */
export function forbiddenClaim(response: string, phrases: readonly string[]): string | null {
  if (phrases.length === 0) return null;
  const text = plainSpelling(response);
  return phrases.find((phrase) => isClaimed(text, plainSpelling(phrase))) ?? null;
}

/** Whether the response holds the phrase as whole words, in whatever spelling a reader takes for it. */
export function mentions(response: string, phrase: string): boolean {
  return !placesOf(plainSpelling(response), plainSpelling(phrase)).next().done;
}

/** What denies something stands no further before it than this. */
const REACH = 160;

/** An answer that denies one thing more often is not looked at further: it means to be expensive. */
const MAX_DENIALS = 200;

function isClaimed(text: string, phrase: string): boolean {
  let denials = 0;
  for (const at of placesOf(text, phrase)) {
    const clause = clauseBefore(text.slice(Math.max(0, at - REACH), at));
    if (!isDenied(clause) && !isRejected(clause)) return true;
    denials += 1;
    if (denials > MAX_DENIALS) return true;
  }
  return false;
}

const WORD = /[\p{L}\p{M}\p{N}]/u;

function* placesOf(text: string, phrase: string): Generator<number> {
  if (phrase === '') return;
  for (let at = text.indexOf(phrase); at !== -1; at = text.indexOf(phrase, at + 1)) {
    if (isEdge(text, at) && isEdge(text, at + phrase.length)) yield at;
  }
}

/** Whether no word goes on over a position. */
function isEdge(text: string, at: number): boolean {
  return !(WORD.test(text.charAt(at - 1)) && WORD.test(text.charAt(at)));
}

/** What of the text before a phrase is of the same clause: a contrast begins another one, as a sentence does. */
function clauseBefore(before: string): string {
  return before.split(/[.!?;:¶]|\b(?:but|however|yet|although|because)\b/).at(-1) ?? '';
}

/** Words that deny what comes right after them; `isn't it` only asks. */
const DENIAL =
  "(?:\\b(?:not|never|no|neither|without|cannot|unlike|instead of|rather than|other than)|n't(?! it\\b))";

/** Words that may stand between a denial and what it denies. */
const FILLERS =
  '(?: (?:a|an|the|in|at|of|on|by|to|from|as|be|been|is|was|are|were|it|that|this|actually|really|even|ever|currently|say|saying|called|named|located))*';

/** `not a`, and the last of a list: `not a, b or c`. */
const DENIED = new RegExp(
  `${DENIAL}${FILLERS}(?:(?:,? [^ ,]+){1,6},? n?or${FILLERS})? ["'“”«»(]*$`,
);

/** Whatever may turn a denial that comes after it into its opposite. */
const ANY_DENIAL = new RegExp(
  `${DENIAL}|n't\\b|\\b(?:nor|none|nobody|nothing|no one|anything|hardly|why)\\b`,
);

/** Whether a denial stands right before the end of the clause, and none before takes it back. */
function isDenied(clause: string): boolean {
  const found = DENIED.exec(clause);
  if (found === null) return false;
  // Behind a comma a denial is of something else: `no, it is not`.
  const before = clause.slice(0, found.index);
  return !ANY_DENIAL.test(before.slice(before.lastIndexOf(',') + 1));
}

/** What rejects the clause that comes after it. */
const REJECTION =
  /\b(?:false|untrue|incorrect|wrong|inaccurate|myth|misconception|no evidence|not true|not correct|not the case|doubt|doubts|deny|denies) (?:that|to (?:say|claim|think|assume|believe)(?: that)?)\b([^,¶]{0,60})$/;

/** Whether words before it reject the clause, and nothing takes that back. */
function isRejected(clause: string): boolean {
  const found = REJECTION.exec(clause);
  if (found === null) return false;
  const between = found[1] ?? '';
  if (ANY_DENIAL.test(between) || /\b(?:that|who|which|forget)\b/.test(between)) return false;
  return !ANY_DENIAL.test(clause.slice(0, found.index));
}
