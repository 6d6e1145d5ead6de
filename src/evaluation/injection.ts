/**
 * Text that speaks to the judge instead of to the user. A rule matches only what no honest answer has a reason to hold:
 * HTML such as `<s>`, a heading `System:` and the bare word DAN are left alone.
 */
const RULES: readonly Readonly<{ rule: string; pattern: RegExp }>[] = [
  {
    rule: 'ignore_previous_instructions',
    pattern:
      /\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:of\s+)?(?:the\s+|your\s+)?(?:previous|prior|above|preceding|earlier)\s+(?:instructions?|prompts?|rules)\b/i,
  },
  {
    rule: 'system_impersonation',
    pattern: /^[ \t]*(?:\[system\]|#{1,6}[ \t]*system[ \t]*>|<[ \t]*system[ \t]*>)/im,
  },
  {
    rule: 'role_hijack_dan',
    pattern: /\b(?:you\s+are\s+now|act\s+as|pretend\s+to\s+be)\s+(?:a\s+)?DAN\b/i,
  },
  {
    rule: 'reveal_system_prompt',
    pattern: /\b(?:reveal|print|show|output)\s+(?:me\s+)?your\s+system\s+prompt\b/i,
  },
  { rule: 'instruction_override', pattern: /^[ \t]*new\s+instructions?\s*:/im },
  { rule: 'judge_fence', pattern: /<<<\s*CANDIDATE_RESPONSE_(?:BEGIN|END)\s*>>>/i },
  {
    rule: 'chat_template_token_leak',
    pattern:
      /<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id)\|>|\[\/?INST\]|<<\/?SYS>>/i,
  },
];

/** The first rule that a response breaks, or null. The response is the miner's: every pattern takes linear time. */
export function injectionRule(response: string): string | null {
  return RULES.find(({ pattern }) => pattern.test(response))?.rule ?? null;
}
