/* C code that is the same in every file. */
#ifndef GN_EXCHANGE_C99_SOURCE_H
#define GN_EXCHANGE_C99_SOURCE_H

extern const char gn_c99_arithmetic[], gn_c99_softmax[];

#endif
