/**
 * The types of structs: what a declaration says about its views, its field functions and its first values.
 *
 * A declaration that names itself in `pointer(() => Node)` is only inferred if the compiler need not look at what
 * the function returns meanwhile; hence the function's own type is {@linkcode PointerTo}'s parameter.
 *
 * @module
 */
import type { Pointer } from "../pointer.ts";
import type { Pool } from "../pool.ts";

/** What the number types of a struct are in JavaScript. */
export interface Scalars {
  /** `uint8_t`. */
  u8: number;
  /** `int8_t`. */
  i8: number;
  /** `uint16_t`. */
  u16: number;
  /** `int16_t`. */
  i16: number;
  /** `uint32_t`. */
  u32: number;
  /** `int32_t`. */
  i32: number;
  /** `_Float16`; a number is rounded to it. */
  f16: number;
  /** `float`; a number is rounded to it. */
  f32: number;
  /** `double`. */
  f64: number;
  /** `uint64_t`, all 64 bits. Use `size` where 53 will do: numbers are faster than bigints. */
  u64: bigint;
  /** `int64_t`, all 64 bits. */
  i64: bigint;
  /** `size_t` up to 2^53 - 1. */
  size: number;
  /** `bool`, a byte that is 0 or not. */
  bool: boolean;
}

/** A field that holds the address of a struct, made by `pointer()`. */
export interface PointerTo<T> {
  /** Tells the kinds of fields apart. */
  readonly kind: "pointer";
  /** Gives the struct that is pointed to. */
  readonly to: T;
}

/** A field with room for a fixed number of elements, made by `array()`. */
export interface ArrayOf<E> {
  /** Tells the kinds of fields apart. */
  readonly kind: "array";
  /** The elements' type. */
  readonly of: E;
  /** Elements. */
  readonly length: number;
}

/** A field with room for text, made by `text()`. */
export interface TextField {
  /** Tells the kinds of fields apart. */
  readonly kind: "text";
  /** Most bytes of the text. */
  readonly bytes: number;
}

/** A field that owns a block with text of any length, made by `string()`. */
export interface StringField {
  /** Tells the kinds of fields apart. */
  readonly kind: "string";
}

/** What a field can be declared as: the name of a number type, another struct, or what one of the functions makes. */
export type Field =
  | keyof Scalars
  | TextField
  | StringField
  // deno-lint-ignore no-explicit-any -- any pointer, whatever it points to
  | PointerTo<any>
  | AnyStruct
  | { readonly kind: "array"; readonly of: unknown; readonly length: number };

/** Any struct: what can be a part of another. */
export interface AnyStruct {
  /** Its declaration. */
  readonly fields: object;
  /** Bytes of one. */
  readonly size: number;
  /** Its places are multiples of this. */
  readonly align: number;
}

/** What a field gives when it is read, and takes when it is set. */
export type ValueOf<T> = T extends keyof Scalars ? Scalars[T]
  : T extends PointerTo<undefined> ? Pointer
  : T extends PointerTo<() => Struct<infer F>> ? View<F> | null
  : T extends Struct<infer F> ? View<F>
  : T extends TextField ? string
  : T extends StringField ? string | null
  : T extends ArrayOf<infer E> ? ElementsOf<E>
  : never;

/** The elements of an array. */
export type ElementsOf<E> = E extends Struct<infer F> ? StructElements<F> : Elements<ValueOf<E>>;

/** What a field may begin with. */
export type InitOf<T> = T extends Struct<infer F> ? Init<F>
  : T extends ArrayOf<infer E> ? readonly InitOf<E>[]
  : ValueOf<T>;

/** First values of a struct's fields; what is left out is 0, false, "" or null. */
export type Init<F> = { readonly [K in keyof F]?: InitOf<F[K]> };

/** Fields that are places in the struct instead of values: they cannot be set. */
export type PlaceField = { readonly kind: "array" } | AnyStruct;

/** Fields that hold a pointer and read as what it leads to; `$` before the name gives the pointer. */
export type FollowedField = PointerTo<() => unknown> | StringField;

/** A struct in a pool's memory, read and written through properties. */
export type View<F> =
  & { -readonly [K in keyof F as F[K] extends PlaceField ? never : K]: ValueOf<F[K]> }
  & { readonly [K in keyof F as F[K] extends PlaceField ? K : never]: ValueOf<F[K]> }
  & { [K in keyof F & string as F[K] extends FollowedField ? `$${K}` : never]: Pointer }
  & ViewMembers;

/** What every view has besides its fields. */
export interface ViewMembers {
  /** The pointer to the struct. */
  readonly $pointer: Pointer;
  /**
   * Makes this view one of another struct of its type, which costs less than a new view.
   *
   * @param pointer The struct, in the pool that the view is of.
   * @returns The view itself.
   */
  move(pointer: number): this;
  /**
   * The fields as plain values, for `JSON.stringify`: pointers are numbers or null and are not followed, 64-bit integers are
   * decimal text, structs and arrays in the struct are objects and arrays.
   */
  toJSON(): Record<string, unknown>;
}

/** The elements of a fixed array. Loops by index are faster than iterating. */
export interface Elements<V> extends Iterable<V> {
  /** Elements. */
  readonly length: number;
  /** The pointer to the first one. */
  readonly $pointer: Pointer;
  /** The element at an index from 0. RangeError: there is none. */
  get(index: number): V;
  /** Sets the element at an index from 0. RangeError: there is none, or the value does not fit. */
  set(index: number, value: V): void;
  /** All of them as plain values, see {@linkcode ViewMembers}. */
  toJSON(): unknown[];
}

/** Structs that lie one after the other. */
export interface StructElements<F> extends Iterable<View<F>> {
  /** Structs. */
  readonly length: number;
  /** The pointer to the first one. */
  readonly $pointer: Pointer;
  /** A new view of the struct at an index from 0. RangeError: there is none. */
  get(index: number): View<F>;
  /** The array's own view, moved to the struct at an index from 0: always the same object. RangeError: there is none. */
  move(index: number): View<F>;
  /** All of them as plain values, see {@linkcode ViewMembers}. */
  toJSON(): unknown[];
}

/** A struct type: construct it with a pool and a pointer for a view. */
export interface Struct<F> {
  /**
   * A view of the struct at a pointer.
   *
   * @param pool The pool that it lies in.
   * @param pointer Where it begins.
   */
  new (pool: Pool, pointer: number): View<F>;
  /** The name that was given to it. */
  readonly name: string;
  /** Its declaration. */
  readonly fields: F;
  /** Bytes of one, as `sizeof` in C. */
  readonly size: number;
  /** As `_Alignof` in C. */
  readonly align: number;
  /** Where the fields begin, as `offsetof` in C. */
  readonly offsets: { readonly [K in keyof F]: number };
  /** Views of structs that lie one after the other. */
  array(pool: Pool, pointer: number, length: number): StructElements<F>;
  /** The declaration in C. */
  c(name?: string): string;
}

/** What a field is to field functions: a pointer is a number, and so is a struct in the struct. */
export type NumberOr<T> = T extends PointerTo<unknown> | AnyStruct ? Pointer : ValueOf<T>;

/** Gets a field of the struct at a pointer. */
export type FieldGetter<T> = T extends ArrayOf<infer E>
  ? (pointer: number, index: number) => NumberOr<E>
  : (pointer: number) => NumberOr<T>;

/** Sets a field of the struct at a pointer. */
export type FieldSetter<T> = T extends ArrayOf<infer E> ? (
    pointer: number,
    index: number,
    value: E extends PointerTo<unknown> ? number : ValueOf<E>,
  ) => void
  : (pointer: number, value: T extends PointerTo<unknown> ? number : ValueOf<T>) => void;

/** Fields without a setter: structs in the struct. */
export type InlineField = AnyStruct | { readonly kind: "array"; readonly of: AnyStruct };

/** Functions on plain pointers: for each field one to get it, and one named `set…` to set it. */
export type FieldFunctions<F> =
  & { readonly [K in keyof F & string]: FieldGetter<F[K]> }
  & {
    readonly [
      K in keyof F & string as F[K] extends InlineField ? never : `set${Capitalize<K>}`
    ]: FieldSetter<F[K]>;
  };
