/* The fake sound card: what its two halves share. fakecard.c speaks with ALSA, fakecard_files.c keeps the files.
 *
 * The law of this card: its only clock is CLOCK_MONOTONIC. The room's position is a pure function of that clock, the
 * card's epoch, the rate and the drift, so the room goes on while nobody listens.
 *
 *   speaker.raw       every frame that has left the loudspeaker, in order, and nothing else (16 bit, interleaved)
 *   mic.raw           what the room sounds like: frame n is heard at epoch + n / rate; silence after its end
 *   speaker.position  struct position below: frames heard in the card's life
 *   mic.position      struct position below: the room's position when the stream last looked
 *   speaker.log       one line for each event: seconds.nanoseconds EVENT details
 *   mic.log
 *   unplug            while this file exists the card is gone, as a USB card that was pulled
 *   busy              while this file exists every open fails with EBUSY, as does a second open of one direction
 *
 * Fields of the pcm: dir, epoch_ns (a string of digits), rate (0 is any), channels, ppm (drift), step (frames by which
 * the reported position moves on).
 */
#ifndef FAKECARD_H
#define FAKECARD_H

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdint.h>

/* What the files *.position hold; card.py reads it as "<3Q". */
struct position {
	uint64_t frames;
	uint64_t start_ns; /* CLOCK_MONOTONIC when the stream started; 0 before */
	uint64_t rate_hz;  /* of the stream that was prepared last; 0 before */
};

struct card {
	snd_pcm_ioplug_t io;
	const char *name; /* "speaker" or "mic" */
	char dir[4000];
	uint64_t epoch_ns;
	long rate, channels, ppm, step;
	int timer, log, sound, position_file;
	struct position *position;
	int running, gone;
	uint64_t started_ns;    /* when this run began */
	uint64_t started_frame; /* mic: the room's position then; speaker: frames heard before this run */
	uint64_t hw;            /* frames of this run that the card has played or captured */
	uint64_t written;       /* speaker: frames of this run in speaker.raw */
	char *ring;             /* speaker: what the application has queued */
	size_t frame_bytes;
};

#define NS_PER_SECOND ((uint64_t)1000000000)

uint64_t now_ns(void);

/* All return 0 or a negative errno. */
int read_fields(struct card *card, snd_config_t *conf);
int open_files(struct card *card, snd_pcm_stream_t stream);
int write_heard(struct card *card, uint64_t hw);
int read_mic(const struct card *card, char *to, snd_pcm_uframes_t frames);

int file_exists(const struct card *card, const char *file);
void note(const struct card *card, const char *format, ...) __attribute__((format(printf, 2, 3)));
void free_card(struct card *card);

#endif
