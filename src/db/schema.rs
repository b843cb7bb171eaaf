//! The tables as Diesel sees them: one schema for both engines.
//!
//! Times are UTC. The tables of search terms are missing on purpose: only
//! `index.rs` talks to them, because each engine has its own kind of
//! full-text index.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    accounts (id) {
        id -> BigInt,
        name -> Text,
        time_zone -> Text,
        last_ticket_number -> BigInt,
        conversation_url -> Text,
        submission_url -> Text,
        created_at -> Timestamp,
        file_bytes -> BigInt,
        steps_hidden -> Bool,
        figures_zone -> Text,
        figures_generation -> BigInt,
        figures_next -> Text,
        figures_place -> BigInt,
        mails_replies -> Bool,
        reply_minutes -> BigInt,
        visitor_file_bytes -> BigInt,
        ticket_days -> Nullable<BigInt>,
        conversation_days -> Nullable<BigInt>,
        submission_days -> Nullable<BigInt>,
    }
}

table! {
    samples (run) {
        run -> Text,
        account_id -> BigInt,
        form_id -> BigInt,
        widget_id -> BigInt,
        tickets -> BigInt,
    }
}

table! {
    installation (place) {
        place -> BigInt,
        id -> Text,
    }
}

table! {
    users (id) {
        id -> BigInt,
        account_id -> BigInt,
        email -> Text,
        name -> Text,
        role -> Text,
        password_hash -> Text,
        time_zone -> Text,
        created_at -> Timestamp,
        disabled_at -> Nullable<Timestamp>,
        mail_submissions -> Bool,
        mail_waiting -> Bool,
        mail_assignments -> Bool,
        keys_off -> Bool,
        keeps_copies -> Bool,
    }
}

table! {
    backups (id) {
        id -> BigInt,
        place -> Text,
        started_at -> Timestamp,
        runs_until -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        error -> Text,
        lost_files -> BigInt,
    }
}

table! {
    source_copies (ticket_id) {
        ticket_id -> BigInt,
        taken_at -> Timestamp,
        data -> Text,
    }
}

table! {
    search_state (version) {
        version -> BigInt,
    }
}

table! {
    sessions (token_hash) {
        token_hash -> Text,
        user_id -> BigInt,
        created_at -> Timestamp,
        last_seen_at -> Timestamp,
        device -> Text,
        network -> Text,
    }
}

table! {
    failed_sign_ins (key) {
        key -> Text,
        count -> BigInt,
        last_at -> Timestamp,
    }
}

table! {
    devices (token_hash, user_id) {
        token_hash -> Text,
        user_id -> BigInt,
        created_at -> Timestamp,
    }
}

table! {
    setup_links (token_hash) {
        token_hash -> Text,
        expires_at -> Timestamp,
    }
}

table! {
    password_links (token_hash) {
        token_hash -> Text,
        user_id -> BigInt,
        created_by -> Nullable<BigInt>,
        expires_at -> Timestamp,
    }
}

table! {
    invitations (id) {
        id -> BigInt,
        account_id -> BigInt,
        token_hash -> Text,
        email -> Text,
        role -> Text,
        expires_at -> Timestamp,
        invited_by -> Nullable<BigInt>,
    }
}

table! {
    forms (id) {
        id -> BigInt,
        account_id -> BigInt,
        key -> Text,
        name -> Text,
        allowed_origins -> Text,
        next_url -> Text,
        created_at -> Timestamp,
        thanks -> Text,
        is_off -> Bool,
        ask_name -> Bool,
        ask_email -> Bool,
        ask_subject -> Bool,
    }
}

table! {
    submissions (seq) {
        seq -> BigInt,
        account_id -> BigInt,
        id -> Text,
        form_id -> BigInt,
        fields -> Text,
        page_url -> Nullable<Text>,
        country -> Nullable<Text>,
        visitor_name -> Text,
        visitor_email -> Text,
        spam -> Bool,
        created_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        done_at -> Nullable<Timestamp>,
        contact_id -> Nullable<BigInt>,
    }
}

table! {
    submission_marks (user_id, submission_seq) {
        user_id -> BigInt,
        submission_seq -> BigInt,
    }
}

table! {
    conversations (seq) {
        seq -> BigInt,
        account_id -> BigInt,
        id -> Text,
        status -> Text,
        visitor_name -> Text,
        visitor_email -> Text,
        page_url -> Nullable<Text>,
        country -> Nullable<Text>,
        message_count -> BigInt,
        last_message -> Text,
        last_message_at -> Timestamp,
        created_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        widget_id -> Nullable<BigInt>,
        visitor_hash -> Nullable<Text>,
        answered_position -> BigInt,
        waiting_since -> Nullable<Timestamp>,
        first_reply_seconds -> Nullable<BigInt>,
        first_reply_at -> Nullable<Timestamp>,
        contact_id -> Nullable<BigInt>,
        seen_position -> BigInt,
        confirmed_email -> Text,
        submission_id -> Nullable<Text>,
    }
}

table! {
    messages (conversation_seq, position) {
        account_id -> BigInt,
        conversation_seq -> BigInt,
        position -> BigInt,
        sender -> Text,
        author_name -> Text,
        body -> Text,
        created_at -> Timestamp,
        client_id -> Nullable<Text>,
        channel -> Text,
        by_mail -> Bool,
        from_address -> Text,
        is_automatic -> Bool,
        folded -> Text,
    }
}

table! {
    thread_links (token_hash) {
        token_hash -> Text,
        conversation_seq -> BigInt,
        address -> Text,
        created_at -> Timestamp,
        job_id -> Nullable<BigInt>,
        reply_hash -> Nullable<Text>,
    }
}

table! {
    mailboxes (name) {
        name -> Text,
        uid_validity -> BigInt,
        last_uid -> BigInt,
        waiting -> Text,
    }
}

table! {
    reply_mails (job_id) {
        job_id -> BigInt,
        account_id -> BigInt,
        conversation_seq -> BigInt,
        address -> Text,
        first_position -> BigInt,
        last_position -> BigInt,
        created_at -> Timestamp,
        sent_at -> Nullable<Timestamp>,
        error -> Text,
    }
}

table! {
    stopped_addresses (account_id, address) {
        account_id -> BigInt,
        address -> Text,
        reason -> Text,
        stopped_at -> Timestamp,
    }
}

table! {
    tickets (id) {
        id -> BigInt,
        account_id -> BigInt,
        number -> BigInt,
        title -> Text,
        status -> Text,
        notes -> Text,
        notes_version -> BigInt,
        requester_name -> Text,
        requester_email -> Text,
        source_kind -> Nullable<Text>,
        source_id -> Nullable<Text>,
        source_was_here -> Bool,
        assignee_id -> Nullable<BigInt>,
        request_id -> Text,
        request_digest -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        closed_at -> Nullable<Timestamp>,
        first_closed_at -> Nullable<Timestamp>,
        reopen_count -> BigInt,
        deleted_at -> Nullable<Timestamp>,
        reopened_at -> Nullable<Timestamp>,
        open_seconds -> BigInt,
        contact_id -> Nullable<BigInt>,
    }
}

table! {
    ticket_counts (account_id, status) {
        account_id -> BigInt,
        status -> Text,
        count -> BigInt,
    }
}

table! {
    tags (id) {
        id -> BigInt,
        account_id -> BigInt,
        name -> Text,
        last_at -> Nullable<Timestamp>,
    }
}

table! {
    ticket_tags (ticket_id, tag_id) {
        ticket_id -> BigInt,
        tag_id -> BigInt,
    }
}

table! {
    events (id) {
        id -> BigInt,
        account_id -> BigInt,
        at -> Timestamp,
        actor_kind -> Text,
        actor_id -> Nullable<BigInt>,
        kind -> Text,
        subject -> Text,
        ticket_id -> Nullable<BigInt>,
        data -> Text,
        text -> Text,
        for_audit -> Bool,
        seq -> Nullable<BigInt>,
    }
}

table! {
    note_revisions (ticket_id, version) {
        ticket_id -> BigInt,
        version -> BigInt,
        author_id -> Nullable<BigInt>,
        author_name -> Text,
        kept_start -> BigInt,
        kept_end -> BigInt,
        body -> Text,
        saved_at -> Timestamp,
    }
}

table! {
    attachments (id) {
        id -> Text,
        account_id -> BigInt,
        ticket_id -> BigInt,
        state -> Text,
        filename -> Text,
        kind -> Text,
        size -> BigInt,
        sha256 -> Text,
        stamp -> BigInt,
        thumbnail -> Nullable<Text>,
        uploaded_by -> Text,
        created_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
    }
}

table! {
    source_files (id) {
        id -> Text,
        account_id -> BigInt,
        state -> Text,
        filename -> Text,
        kind -> Text,
        size -> BigInt,
        sha256 -> Text,
        thumbnail -> Nullable<Text>,
        by_visitor -> Bool,
        conversation_seq -> Nullable<BigInt>,
        message_position -> Nullable<BigInt>,
        submission_seq -> Nullable<BigInt>,
        place -> BigInt,
        created_at -> Timestamp,
    }
}

table! {
    widgets (id) {
        id -> BigInt,
        account_id -> BigInt,
        key -> Text,
        name -> Text,
        allowed_origins -> Text,
        ask_name -> Bool,
        ask_email -> Bool,
        colour -> Text,
        language -> Text,
        texts -> Text,
        created_at -> Timestamp,
        is_off -> Bool,
    }
}

table! {
    conversation_marks (user_id, conversation_seq) {
        user_id -> BigInt,
        conversation_seq -> BigInt,
        position -> BigInt,
    }
}

table! {
    api_keys (id) {
        id -> BigInt,
        account_id -> BigInt,
        name -> Text,
        key_hash -> Text,
        hint -> Text,
        created_at -> Timestamp,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        created_by -> Nullable<BigInt>,
    }
}

table! {
    idempotent_answers (account_id, key) {
        account_id -> BigInt,
        key -> Text,
        digest -> Text,
        status -> BigInt,
        body -> Text,
        created_at -> Timestamp,
    }
}

table! {
    jobs (id) {
        id -> BigInt,
        account_id -> Nullable<BigInt>,
        kind -> Text,
        key -> Text,
        group_key -> Text,
        batch_id -> Nullable<BigInt>,
        data -> Text,
        state -> Text,
        due_at -> Timestamp,
        tries -> BigInt,
        place -> Text,
        done -> BigInt,
        total -> BigInt,
        error -> Text,
        created_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

table! {
    bulk_actions (id) {
        id -> BigInt,
        account_id -> BigInt,
        user_id -> BigInt,
        action -> Text,
        value -> Text,
        scope -> Text,
        undoes -> Nullable<BigInt>,
        total -> BigInt,
        changed -> BigInt,
        unchanged -> BigInt,
        refused -> BigInt,
        created_at -> Timestamp,
    }
}

table! {
    bulk_results (bulk_id, ticket_id) {
        bulk_id -> BigInt,
        ticket_id -> BigInt,
        number -> BigInt,
        outcome -> Text,
        reason -> Text,
        event_id -> Nullable<BigInt>,
    }
}

table! {
    figures (account_id, generation, dimension, measure, key, week, bucket) {
        account_id -> BigInt,
        generation -> BigInt,
        dimension -> Text,
        measure -> Text,
        key -> BigInt,
        week -> BigInt,
        bucket -> BigInt,
        count -> BigInt,
    }
}

table! {
    contacts (id) {
        id -> BigInt,
        account_id -> BigInt,
        email -> Text,
        email_key -> Text,
        name -> Text,
        note -> Text,
        merged_into -> Nullable<BigInt>,
        is_indexed -> Bool,
        created_at -> Timestamp,
    }
}

table! {
    contact_words (account_id, word, contact_id) {
        account_id -> BigInt,
        word -> Text,
        contact_id -> BigInt,
    }
}

table! {
    views (id) {
        id -> BigInt,
        account_id -> BigInt,
        user_id -> BigInt,
        name -> Text,
        query -> Text,
        is_shared -> Bool,
    }
}

table! {
    event_readers (name) {
        name -> Text,
        seq -> BigInt,
    }
}

joinable!(sessions -> users (user_id));
joinable!(ticket_tags -> tags (tag_id));
joinable!(ticket_tags -> tickets (ticket_id));
joinable!(bulk_results -> tickets (ticket_id));
joinable!(messages -> conversations (conversation_seq));
joinable!(api_keys -> accounts (account_id));
joinable!(submissions -> forms (form_id));

allow_tables_to_appear_in_same_query!(
    accounts,
    backups,
    samples,
    users,
    sessions,
    devices,
    failed_sign_ins,
    setup_links,
    password_links,
    invitations,
    forms,
    submissions,
    submission_marks,
    conversations,
    messages,
    thread_links,
    reply_mails,
    stopped_addresses,
    tickets,
    ticket_counts,
    tags,
    ticket_tags,
    events,
    note_revisions,
    attachments,
    source_files,
    source_copies,
    installation,
    widgets,
    conversation_marks,
    api_keys,
    idempotent_answers,
    jobs,
    bulk_actions,
    bulk_results,
    figures,
    contacts,
    contact_words,
    views,
    event_readers
);
