/* Fields of a message, one after the other. */
#include "exchange/proto.h"

#include "support/check.h"

#include <string.h>

static uint64_t varint(struct proto *message)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        assert_true(message->at < message->end);
        const uint8_t byte = *message->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            assert_true(byte != 0 || shift == 0); /* as few bytes as possible */
            return value;
        }
    }
    fail_msg("a varint of more than ten bytes");
    return 0;
}

bool proto_next(struct proto *message, struct proto_field *field)
{
    if (message->at == message->end)
        return false;
    const uint64_t tag = varint(message);
    *field = (struct proto_field){ .number = (int)(tag >> 3) };
    switch (tag & 7) {
    case 0:
        field->value = varint(message);
        break;
    case 2: {
        const uint64_t n = varint(message);
        assert_true(n <= (uint64_t)(message->end - message->at));
        field->inner = (struct proto){ message->at, message->at + n };
        message->at += n;
        break;
    }
    case 5: {
        uint32_t bits;
        assert_true(message->end - message->at >= 4);
        memcpy(&bits, message->at, sizeof bits);
        message->at += sizeof bits;
        field->value = bits;
        break;
    }
    default:
        fail_msg("wire type %d", (int)(tag & 7));
    }
    return true;
}

struct proto_field proto_find(struct proto message, int number)
{
    struct proto_field field;
    while (proto_next(&message, &field))
        if (field.number == number)
            return field;
    fail_msg("no field %d", number);
    return (struct proto_field){ 0 };
}

int proto_count(struct proto message, int number)
{
    struct proto_field field;
    int n = 0;
    while (proto_next(&message, &field))
        n += field.number == number;
    return n;
}

bool proto_is(struct proto text, const char *wanted)
{
    const size_t n = strlen(wanted);
    return (size_t)(text.end - text.at) == n && memcmp(text.at, wanted, n) == 0;
}

char *proto_text(struct proto text, char *to, size_t size)
{
    const size_t n = (size_t)(text.end - text.at);
    assert_true(n < size);
    memcpy(to, text.at, n);
    to[n] = '\0';
    return to;
}
