/* Other people's Opus (libopus) and G.722 (spandsp) as a filter: `foreign opus encode` turns 16-bit samples at
 * 16 kHz into packets of 20 ms, each with its length before it (2 bytes, little-endian); `decode` turns them back. */
#include <opus/opus.h>
#include <spandsp.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 320, BYTES = 1500 };

static int fail(const char *why) {
    fprintf(stderr, "foreign: %s\n", why);
    return 1;
}

static void put(const unsigned char *packet, int length) {
    putchar(length & 255);
    putchar(length >> 8);
    fwrite(packet, 1, length, stdout);
}

static int get(unsigned char *packet) {
    int low = getchar(), high = getchar();
    if (low == EOF || high == EOF) return -1;
    int length = low | high << 8;
    return length <= BYTES && fread(packet, 1, length, stdin) == (size_t)length ? length : -1;
}

int main(int count, char **words) {
    if (count != 3) return fail("foreign opus|g722 encode|decode");
    int opus = !strcmp(words[1], "opus"), encode = !strcmp(words[2], "encode"), error, length;
    unsigned char packet[BYTES];
    int16_t samples[SAMPLES * 6];
    OpusEncoder *opus_to = opus_encoder_create(16000, 1, OPUS_APPLICATION_VOIP, &error);
    OpusDecoder *opus_from = opus_decoder_create(16000, 1, &error);
    g722_encode_state_t *g722_to = g722_encode_init(NULL, 64000, 0);
    g722_decode_state_t *g722_from = g722_decode_init(NULL, 64000, 0);
    if (!opus_to || !opus_from || !g722_to || !g722_from) return fail("no codec");
    opus_encoder_ctl(opus_to, OPUS_SET_BITRATE(24000));
    if (encode) {
        while (fread(samples, 2, SAMPLES, stdin) == SAMPLES) {
            length = opus ? opus_encode(opus_to, samples, SAMPLES, packet, BYTES)
                          : g722_encode(g722_to, packet, samples, SAMPLES);
            if (length < 0) return fail("not encoded");
            put(packet, length);
        }
        return 0;
    }
    while ((length = get(packet)) >= 0) {
        int decoded = opus ? opus_decode(opus_from, packet, length, samples, SAMPLES * 6, 0)
                           : g722_decode(g722_from, samples, packet, length);
        if (decoded < 0) return fail("not decoded");
        fwrite(samples, 2, decoded, stdout);
    }
    return 0;
}
