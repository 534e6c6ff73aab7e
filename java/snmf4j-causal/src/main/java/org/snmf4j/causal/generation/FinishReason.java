package org.snmf4j.causal.generation;

/** Why a sequence ended. */
public enum FinishReason {
  /** Its last token is one of those that end a text. */
  STOP,
  /** It has as many new tokens as were asked for. */
  LENGTH,
  /** It fills the model's context. */
  CONTEXT
}
