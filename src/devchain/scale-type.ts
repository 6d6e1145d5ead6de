/** A type as metadata describes it: structure and names, no values. */
export type Type =
  | { readonly kind: 'primitive'; readonly name: Primitive }
  | { readonly kind: 'compact' | 'sequence'; readonly of: Type }
  | { readonly kind: 'array'; readonly of: Type; readonly length: number }
  | { readonly kind: 'tuple'; readonly of: readonly Type[] }
  | (Named & { readonly kind: 'composite'; readonly fields: readonly Field[] })
  | (Named & { readonly kind: 'variant'; readonly variants: readonly Variant[] });

/** Of scale-info's primitives those that the chain uses. */
export type Primitive = 'Bool' | 'Str' | 'U8' | 'U16' | 'U32' | 'U64' | 'U128' | 'I128';

type Named = Readonly<{
  /** Rust path; empty for fields that stand inside a variant. */
  path: readonly string[];
  params: readonly Param[];
}>;

export type Param = Readonly<{ name: string; type: Type }>;
export type Field = Readonly<{ name: string | null; type: Type }>;
export type Variant = Readonly<{ name: string; index: number; fields: readonly Field[] }>;

/** The fields of a variant whose content has this type: named, several unnamed, none, or one. */
export function fieldsOf(content: Type): readonly Field[] {
  if (content.kind === 'composite' && content.path.length === 0) return content.fields;
  if (content.kind === 'tuple') return content.of.map((type) => ({ name: null, type }));
  return [{ name: null, type: content }];
}

/** `pallet_drand::types::Pulse` as its parts; an empty path has none. */
export function pathOf(path: string): readonly string[] {
  return path === '' ? [] : path.split('::');
}

/** Rust's name of a field: `versionKey` is `version_key`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
