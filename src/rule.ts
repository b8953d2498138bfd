/** The words between `config`, which compiles a site's rules, and `route`, which applies them: closed data, no YAML, no user's text that runs. */
import type { ReasonCode } from './errors.js';

/** A compiled pattern; answers in time linear in the text. */
export interface TextTest {
  test(text: string): boolean;
}

/** Facts that no attribute holds: from the association that brought the instances, and from the geometry of the series. */
export type FactName = 'CallingAE' | 'CalledAE' | 'Peer' | 'SliceCount' | 'SpacingBetweenPositions';

export type Subject =
  | { readonly kind: 'attribute'; readonly name: string; readonly tag: number; readonly identifying: boolean }
  | { readonly kind: 'fact'; readonly name: FactName };

export type Operand =
  | { readonly kind: 'exists'; readonly exists: boolean }
  /** Holds for the whole value (several values joined by backslashes) or for one of its values. */
  | {
      readonly kind: 'text';
      readonly pattern: TextTest;
      /** What the pattern was made of; absent: of a regular expression. `parts`: of a glob, between its wildcards. */
      readonly of?: { readonly values: readonly string[] } | { readonly parts: readonly string[] };
    }
  /** One of the attribute's numbers is one of these. */
  | { readonly kind: 'number'; readonly oneOf: readonly number[] }
  /** Each of the attribute's numbers is on this side of the limit. PatientAge counts in years. */
  | {
      readonly kind: 'compare';
      readonly operator: 'atLeast' | 'atMost' | 'above' | 'below';
      readonly limit: number;
    };

/** A condition of a rule. It holds for a series when it holds for each instance; `anyInstance` asks for one instance only. */
export type Condition =
  | { readonly kind: 'all'; readonly parts: readonly Condition[] }
  | { readonly kind: 'any'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'anyInstance'; readonly part: Condition }
  /** `says`: the condition in the words of the rule, `SliceThickness atMost 3`. */
  | { readonly kind: 'test'; readonly subject: Subject; readonly operand: Operand; readonly says: string };

/** One item of a rule's `enhance`. */
export interface TaskRequest {
  /** Model or filter id, or `auto`. */
  readonly model: string;
  /** Share of the noise to take away; null: the card's default. */
  readonly strength: number | null;
  /** Gate codes that this task lifts. */
  readonly lift: readonly ReasonCode[];
  /** Model or filter that takes its place when it fails, or takes longer than the deadline. */
  readonly fallback?: string;
  /** Fewer slices than this: TOO_FEW_SLICES, beside the card's own minimum. */
  readonly minimumSlices: number;
}

/** Periods, ms, that take the place of the node's own for some series (`assemble`); see assemble/decide.ts. */
export interface CompletionOverride {
  readonly quietMs?: number;
  readonly releasedMs?: number;
  readonly gapsMs?: number;
  readonly longestMs?: number;
}

export type RulePriority = 'urgent' | 'routine' | 'batch';

export interface CompiledRule {
  readonly name: string;
  /** Null: matches every series. */
  readonly when: Condition | null;
  readonly enhance: readonly TaskRequest[];
  /** Peers that get the originals. */
  readonly forward: readonly string[];
  /** Peers that get the derived series of this rule's tasks. */
  readonly deliver: readonly string[];
  readonly priority: RulePriority;
  /** After a match, later rules are looked at as well. */
  readonly goesOn: boolean;
  /** What becomes of a derived series when late slices have made another one: it stays, or is withdrawn once that one is delivered. */
  readonly late: 'keep' | 'withdraw';
  /** When series that it matches are complete. */
  readonly assemble: CompletionOverride;
}

/** Where a vendor's mark stands: a standard attribute, or one element (null: any) of a creator's private block. */
export type MarkPlace =
  | { readonly kind: 'attribute'; readonly tag: number }
  | {
      readonly kind: 'private';
      readonly group: number;
      readonly creator: string;
      /** Low byte of the element number. */
      readonly element: number | null;
    };

/** A mark by which a vendor's own reconstruction shows. */
export interface VendorMark {
  /** What leaves the mark: `Siemens Deep Resolve`. */
  readonly product: string;
  /** Attribute as configured, for explanations. */
  readonly name: string;
  readonly place: MarkPlace;
  readonly pattern: TextTest;
  readonly code: 'VENDOR_NETWORK' | 'ITERATIVE_STRONG';
}
