/* labels: push
 *
 * The order in which sums of grains meet: the tree of the comment in base/pairwise.h, in whatever parts
 * the grains are handed over. */
#include "base/pairwise.h"
#include "support/check.h"

#include <string.h>

enum { MOST = 40 };

/* Sums as text, so that the order of additions shows. */
struct stack {
    struct gn_pairwise tree;
    char text[GN_PAIRWISE_MOST][512];
};

static void push(struct stack *s, struct gn_branch branch, const char *text)
{
    char joined[1100];
    (void)snprintf(s->text[s->tree.n], sizeof s->text[0], "%s", text);
    for (int k = gn_pairwise_push(&s->tree, branch); k > 0; k--) {
        char *below = s->text[s->tree.n + k - 2];
        (void)snprintf(joined, sizeof joined, "(%s+%s)", below, s->text[s->tree.n + k - 1]);
        assert_in_range(strlen(joined), 5, sizeof s->text[0] - 1);
        memcpy(below, joined, strlen(joined) + 1);
    }
}

/* Grains [from, to) on a stack of their own. */
static void add(struct stack *s, int grains, int from, int to)
{
    gn_pairwise_begin(&s->tree, grains);
    for (int i = from; i < to; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", i);
        push(s, (struct gn_branch){ 0, i }, number);
    }
}

static void the_tree_is_that_of_pairs(void **state)
{
    static const char *const trees[] = { "0",
                                         "(0+1)",
                                         "((0+1)+2)",
                                         "((0+1)+(2+3))",
                                         "(((0+1)+(2+3))+4)",
                                         "(((0+1)+(2+3))+(4+5))",
                                         "(((0+1)+(2+3))+((4+5)+6))" };
    (void)state;
    struct stack s;
    for (int n = 1; n <= 7; n++) {
        add(&s, n, 0, n);
        assert_int_equal(s.tree.n, 1);
        assert_string_equal(s.text[0], trees[n - 1]);
    }
}

static void parts_give_the_same_tree(void **state)
{
    (void)state;
    static struct stack whole, part, all;
    for (int n = 1; n <= MOST; n++) {
        add(&whole, n, 0, n);
        for (int ranks = 1; ranks <= n + 2; ranks++) {
            gn_pairwise_begin(&all.tree, n);
            for (int r = 0; r < ranks; r++) {
                const int from = (int)((long)n * r / ranks), to = (int)((long)n * (r + 1) / ranks);
                add(&part, n, from, to);
                assert_true(part.tree.n <= gn_pairwise_depth(n, from, to));
                for (int i = 0; i < part.tree.n; i++)
                    push(&all, part.tree.nodes[i], part.text[i]);
            }
            assert_int_equal(all.tree.n, 1);
            assert_string_equal(all.text[0], whole.text[0]);
        }
    }
}

/* What a plan that computes so many grains of a batch, from wherever on, has room for. */
static void room_is_enough_wherever_a_part_begins(void **state)
{
    (void)state;
    for (int n = 1; n <= MOST; n++)
        for (int from = 0; from < n; from++)
            for (int to = from + 1; to <= n; to++)
                assert_true(gn_pairwise_depth(n, from, to) <=
                            2 * gn_pairwise_depth(to - from, 0, to - from));
}

static void doubles_are_added_in_that_order(void **state)
{
    (void)state;
    /* In the order of the numbers the ones would be lost. */
    const double values[] = { 0x1p53, 0, 1, 0, 1, 0, 1, 0 };
    assert_true(gn_pairwise_sum(values, 4, 2) == 0x1p53 + 2);
    assert_true(gn_pairwise_sum(values, 0, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_tree_is_that_of_pairs),
                                        cmocka_unit_test(parts_give_the_same_tree),
                                        cmocka_unit_test(room_is_enough_wherever_a_part_begins),
                                        cmocka_unit_test(doubles_are_added_in_that_order) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
