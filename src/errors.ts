/** A mistake in what the user gave (a file, an option, a config): told in one line, exit code 2, never a stack trace. */
export class InputError extends Error {
  override readonly name: string = "InputError";

  /** Control characters, which a file or its name may hold, are written as their codes: the message stays one line. */
  constructor(message: string, options?: ErrorOptions) {
    const code = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    super(message.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, code), options);
  }
}

/** Tensors that do not fit together, found while a program is built. The message says operation, expected, actual and remedy. */
export class ShapeError extends InputError {
  override readonly name: string = "ShapeError";
}

/** A number that is not finite turned up in the loss, the parameters or a density; in the data it is an InputError. */
export class NumericalError extends InputError {
  override readonly name: string = "NumericalError";
}
